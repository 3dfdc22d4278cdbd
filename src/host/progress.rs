//! How far work has come, told as events. The rooms below `ui` know nothing of
//! bars or terminals; they report to a [`Progress`] and go on.

/// One thing that happened. Sizes are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A stage begins, e.g. `fetch`: `count` items of `bytes` in all.
    Stage { name: &'static str, count: u64, bytes: u64 },
    /// So many further bytes of the running stage are done (negative: taken back,
    /// when a download starts again from nothing).
    Advance { bytes: i64 },
    /// One item of the running stage is done.
    ItemDone { name: &'a str },
    /// The stage is over; `summary` says what came of it.
    StageDone { name: &'static str, summary: String },
    /// Something a user should read although nothing failed.
    Warning { text: String },
    /// Something shown at normal verbosity.
    Note { text: String },
    /// Something shown with `-v` only.
    Detail { text: String },
}

/// Who is told. Called from several threads at once.
pub trait Progress: Sync {
    fn event(&self, event: Event<'_>);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event<'_>) {}
}
