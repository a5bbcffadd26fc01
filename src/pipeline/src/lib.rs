//! The worker: takes a Job and calls the stage.
