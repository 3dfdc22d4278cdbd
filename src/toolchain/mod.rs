//! What a prepared tree is: where everything lies in it, the names of its tools and what
//! each does, the files through which shells and build systems use it, its manifest and
//! its stamp, the runtime installed into it, and the journals kept beside it. Only `check`,
//! `runtime` and `journal` look at a disk.

pub mod check;
pub mod config;
pub mod hostile;
pub mod journal;
pub mod layout;
pub mod manifest;
pub mod metrics;
pub mod outline;
pub mod quote;
pub mod runtime;
pub mod shim;
pub mod stamp;
pub mod tool_names;
pub mod tools_table;
pub mod variables;
