//! `--brew`: the pinned formulae are looked for in Homebrew's folder, what is missing is
//! installed, and LLVM is asked what it is. What counts is what lies there afterwards and
//! what the programs say: `brew` may exit with 0 having installed nothing, or with 1
//! having done all. Nothing is installed offline, and nothing ever without `--brew`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{LlvmChoice, Request, World};
use crate::host::Env;
use crate::host::clock;
use crate::host::fault::Fault;
use crate::host::http::Reach;
use crate::host::platform::is_translated;
use crate::host::process::Call;
use crate::host::progress::Event;
use crate::llvm::brew::{self, Keg};
use crate::llvm::host::{self, Host};
use crate::llvm::machine::{Fit, Platform};
use crate::llvm::{self, Installation, REQUIRED};
use crate::pins::Pins;
use crate::toolchain::hostile::is_removed;

mod error;

pub use error::BrewError;

/// How long one formula may take: LLVM is 1.7 GB unpacked, and its dependencies come too.
const INSTALL_TIME: Duration = Duration::from_hours(2);
/// How long `brew info` may take.
const INFO_TIME: Duration = Duration::from_mins(1);
/// How often a long installation says that it goes on.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// How many of brew's last lines an error repeats.
const LAST_LINES: usize = 4;

/// What may be done about a missing formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Install {
    /// Install it, where the network may be used.
    Now,
    /// Only tell that it would be.
    Foretell,
}

/// Homebrew with the pinned formulae in it.
#[derive(Debug)]
pub(super) struct Homebrew {
    prefix: PathBuf,
    platform: Option<Platform>,
    /// Whether brew may go to the network.
    may_ask: bool,
    /// What a real run would install first.
    awaited: Vec<String>,
}

impl Homebrew {
    /// The Homebrew of a request with `--brew`.
    ///
    /// # Errors
    /// As [`Homebrew::ready`].
    pub(super) fn wanted(
        world: &World<'_>,
        pins: &Pins,
        request: &Request,
        install: Install,
    ) -> Result<Option<Self>, BrewError> {
        let is_wanted = request.llvm == LlvmChoice::Brew;
        is_wanted.then(|| Self::ready(world, pins, install)).transpose()
    }

    /// Finds Homebrew and installs what it lacks of the pinned formulae.
    ///
    /// # Errors
    /// There is no Homebrew, the pins contradict themselves, or a formula is missing
    /// afterwards.
    fn ready(world: &World<'_>, pins: &Pins, install: Install) -> Result<Self, BrewError> {
        brew::agree(&pins.formulae, pins.llvm.major).map_err(BrewError::Pins)?;
        let platform = Platform::of_process(is_translated());
        let prefixes = Host { env: world.env }.brew_prefixes(platform);
        let prefixes = prefixes.map_err(|named| BrewError::NoPrefix { named })?;
        let Some(prefix) = prefixes.into_iter().next() else { return Err(BrewError::NoBrew) };
        // Kegs are told by their real place.
        let prefix = crate::host::fs::resolve(&prefix).unwrap_or(prefix);
        let may_ask = install == Install::Now && world.client.reach() == Reach::Online;
        let mut homebrew = Self { prefix, platform, may_ask, awaited: Vec::new() };
        let missing = homebrew.missing(pins);
        if missing.is_empty() {
            return Ok(homebrew);
        }
        if world.client.reach() == Reach::Offline {
            let prefix = homebrew.prefix;
            return Err(BrewError::Missing { prefix, formulae: owned(&missing) });
        }
        if install == Install::Foretell {
            let text = format!("  brew would install {}", missing.join(", "));
            world.progress.event(Event::Note { text });
            homebrew.awaited = owned(&missing);
            return Ok(homebrew);
        }
        homebrew.install(world, &missing)?;
        Ok(homebrew)
    }

    /// Its folder, links resolved.
    pub(super) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// Whether LLVM itself is still to be installed.
    fn is_awaited(&self) -> bool {
        self.awaited.iter().any(|name| name.starts_with("llvm") || name.starts_with("lld"))
    }

    /// The pinned LLVM of this Homebrew; `None` when a real run would install it first.
    ///
    /// # Errors
    /// It is for another machine, of other majors, or incomplete.
    pub(super) fn llvm(
        &self,
        world: &World<'_>,
        pins: &Pins,
    ) -> Result<Option<Installation>, Fault> {
        if self.is_awaited() {
            return Ok(None);
        }
        let probe = Host { env: world.env };
        let major = pins.llvm.major;
        let unusable =
            |reasons| BrewError::Unusable { prefix: self.prefix.clone(), major, reasons };
        let mut candidates = probe.candidates_of(&self.prefix, major);
        // `llvm` without a number counts where it is pinned so.
        candidates.retain(|candidate| {
            Keg::of(&candidate.clang).is_none_or(|keg| pins.formulae.contains(&keg.formula))
        });
        if candidates.is_empty() {
            return Err(unusable(vec!["no formula of LLVM has a bin/clang".to_owned()]).into());
        }
        for candidate in &candidates {
            self.check_machine(world, &candidate.clang)?;
        }
        let found = llvm::find(&candidates, major, &REQUIRED, &probe);
        let (installation, _) =
            found.map_err(|list| unusable(list.iter().map(ToString::to_string).collect()))?;
        if let Some(lld) = installation.tools.get("ld.lld") {
            self.check_machine(world, lld)?;
        }
        if self.may_ask {
            self.warn(world, pins);
        }
        Ok(Some(installation))
    }

    /// The pinned formulae that have no keg.
    fn missing<'p>(&self, pins: &'p Pins) -> Vec<&'p str> {
        let formulae = pins.formulae.iter().map(String::as_str);
        formulae.filter(|formula| host::keg(&self.prefix, formula).is_none()).collect()
    }

    /// Installs one formula after the other, and goes on when one fails.
    fn install(&self, world: &World<'_>, missing: &[&str]) -> Result<(), BrewError> {
        let mut failed = Vec::new();
        for (index, &formula) in missing.iter().enumerate() {
            // It may have come as a dependency of the one before.
            if host::keg(&self.prefix, formula).is_some() {
                continue;
            }
            let count = missing.len();
            let text = format!("  brew installing {formula} ({} of {count}) …", index + 1);
            world.progress.event(Event::Note { text });
            let (status, said) = self.install_one(world, formula);
            if host::keg(&self.prefix, formula).is_none() {
                failed.push((formula.to_owned(), format!("{status}\n    {said}")));
            } else if status != "exit status: 0" {
                let text = format!("brew ended with {status}, and {formula} is there");
                world.progress.event(Event::Detail { text });
            }
        }
        let prefix = self.prefix.clone();
        if failed.is_empty() { Ok(()) } else { Err(BrewError::NotInstalled { prefix, failed }) }
    }

    /// How brew ended, and what it said last. Neither is proof of anything.
    fn install_one(&self, world: &World<'_>, formula: &str) -> (String, String) {
        let call = self.call(world, &brew::install_arguments(formula));
        let mut last: Vec<String> = Vec::new();
        let start = clock::instant();
        let mut told = start;
        let status = call.stream(INSTALL_TIME, |line| {
            if let Some(line) = line {
                let text = format!("brew: {line}");
                world.progress.event(Event::Detail { text });
                last.push(line.to_owned());
                if last.len() > LAST_LINES {
                    last.remove(0);
                }
            }
            if told.elapsed() > SIGN_OF_LIFE {
                told = clock::instant();
                let seconds = start.elapsed().as_secs();
                let line: String =
                    last.last().map(String::as_str).unwrap_or_default().chars().take(60).collect();
                let text = format!("  brew {formula} goes on after {seconds} s: {line}");
                world.progress.event(Event::Note { text });
            }
        });
        let status = match status {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        (status, last.join("\n    "))
    }

    /// Warns of formulae that Homebrew gives up.
    fn warn(&self, world: &World<'_>, pins: &Pins) {
        let mut arguments = vec!["info", "--json=v2", "--formula"];
        arguments.extend(pins.formulae.iter().map(String::as_str));
        // What brew does not tell is no failure: the formulae are there.
        let Ok(output) = self.call(world, &arguments).output(INFO_TIME) else { return };
        for notice in brew::notices(&output.stdout) {
            let text = format!("Homebrew says that {} is {}", notice.formula, notice.text);
            world.progress.event(Event::Warning { text });
        }
    }

    fn call(&self, world: &World<'_>, arguments: &[&str]) -> Call {
        brew_call(world.env, &self.prefix, self.platform, arguments)
    }

    fn check_machine(&self, world: &World<'_>, program: &Path) -> Result<(), BrewError> {
        let (Some(platform), Some(built)) = (self.platform, host::built(program)) else {
            return Ok(());
        };
        match platform.fit(&built) {
            Fit::Native => Ok(()),
            Fit::Translated => {
                let text = format!(
                    "{} is built for {built}: it runs under Rosetta, slower than its own kind would",
                    program.display()
                );
                world.progress.event(Event::Warning { text });
                Ok(())
            }
            Fit::Foreign => {
                let program = program.to_path_buf();
                Err(BrewError::Foreign { program, built, platform })
            }
        }
    }
}

/// brew in the user's own environment, without what leads compilers astray.
#[must_use]
pub fn brew_call(env: &Env, prefix: &Path, platform: Option<Platform>, arguments: &[&str]) -> Call {
    let mut words = brew::program(prefix, platform, std::env::consts::ARCH).into_iter();
    let program = words.next().unwrap_or_default();
    let mut call = Call::new(program, words);
    call.args.extend(arguments.iter().map(Into::into));
    let is_ours = |name: &std::ffi::OsStr| brew::VARIABLES.iter().any(|(own, _)| name == *own);
    let kept = env.vars.iter().filter(|(name, _)| !is_removed(name) && !is_ours(name));
    call.env.extend(kept.map(|(name, value)| (name.clone(), value.clone())));
    call.env.extend(brew::VARIABLES.map(|(name, value)| (name.into(), value.into())));
    call
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}
