//! A child of this binary under limits, with a progress pipe.
