//! Brief to video variants and their renditions.
