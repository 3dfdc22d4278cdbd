//! The monthly look: what is installed, locked and offered, against the pins. Facts are
//! gathered, findings follow from them by pure rules, and a line is added to the log. It
//! changes nothing else, and what it could not check it never calls fine.

pub mod updates;
