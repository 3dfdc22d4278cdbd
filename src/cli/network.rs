//! The options of commands that use the network.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Context;
use crate::debian::mirrors::MirrorList;
use crate::debian::openpgp::Keyring;
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::http::{Client, Config, Proxies, Reach, mask};
use crate::host::progress::{Event, Progress as _};
use crate::host::{apt, fs};
use crate::pins::Pins;

/// How the network is reached.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Network options")]
pub struct Network {
    /// Ask this Debian mirror and no other; its security archive is URL-security
    /// [default: the mirror of this machine's apt sources, then those of versions.toml]
    ///
    /// The apt sources are sources.list and sources.list.d in /etc/apt, or in the folder
    /// that `REML_TOOLCHAIN_APT_SOURCES` names; an empty folder leaves versions.toml alone.
    #[arg(long, env = "REML_TOOLCHAIN_MIRROR", value_name = "URL", hide_env_values = true)]
    mirror: Option<String>,
    /// Never use the network
    #[arg(long, env = "REML_TOOLCHAIN_OFFLINE", value_parser = clap::builder::FalseyValueParser::new())]
    offline: bool,
}

/// Who may sign.
#[derive(Debug, Clone, clap::Args)]
pub struct Trust {
    /// Trust the OpenPGP certificates in FILE instead of Debian's archive keys
    #[arg(
        long,
        env = "REML_TOOLCHAIN_KEYRING",
        value_name = "FILE",
        help_heading = "Network options"
    )]
    keyring: Option<PathBuf>,
}

/// The variable that names the folder with apt's sources instead of `/etc/apt`.
const APT_SOURCES: &str = "REML_TOOLCHAIN_APT_SOURCES";

/// How long whoever only asks whether a mirror is there waits for it.
const WAIT: Duration = Duration::from_secs(5);

/// The largest keyring that is read, in bytes.
const KEYRING_LIMIT: u64 = 16 << 20;

/// A mirror's URL that cannot be one.
#[derive(Debug, thiserror::Error)]
#[error("--mirror: expected a URL that starts with http:// or https://, got {0}")]
pub struct NotAMirror(String);

impl Diagnostic for NotAMirror {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        "mirror-malformed"
    }
}

impl Network {
    /// The client. `cut` forbids the network whatever the options say.
    #[must_use]
    pub fn client(&self, context: &Context<'_>, cut: bool) -> Client {
        let config = self.config(context, cut);
        for line in config.proxies.summary() {
            context.reporter.event(Event::Detail { text: line });
        }
        Client::new(config)
    }

    /// A client that tries once and waits for five seconds, and the proxies it follows.
    #[must_use]
    pub fn impatient_client(&self, context: &Context<'_>) -> (Client, Proxies) {
        let mut config = self.config(context, false);
        config.backoff.retries = 0;
        config.connect_timeout = WAIT;
        config.stall.window = WAIT;
        let proxies = config.proxies.clone();
        (Client::new(config), proxies)
    }

    fn config(&self, context: &Context<'_>, cut: bool) -> Config {
        let agent = concat!("reml-toolchain/", env!("CARGO_PKG_VERSION"));
        let mut config = Config::new(agent);
        config.reach = if self.offline || cut { Reach::Offline } else { Reach::Online };
        let variables = context.env.vars.iter();
        let texts = variables.filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
        config.proxies = Proxies::from_variables(texts);
        config
    }

    /// Whether `--offline` was given.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.offline
    }

    /// Who is asked, in order.
    ///
    /// # Errors
    /// `--mirror` is no URL.
    pub fn mirrors(&self, context: &Context<'_>, pins: &Pins) -> Result<MirrorList, Fault> {
        if let Some(url) = &self.mirror {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(NotAMirror(mask(url)).into());
            }
            return Ok(MirrorList::only(url));
        }
        let suites: Vec<String> =
            pins.releases.values().flat_map(|release| release.suites.iter().cloned()).collect();
        let folder = context.env.var(APT_SOURCES).map_or(Path::new(apt::FOLDER), Path::new);
        Ok(MirrorList::of_host(&apt::sources(folder), &suites, &pins.mirrors))
    }
}

impl Trust {
    /// The keys.
    ///
    /// # Errors
    /// The file cannot be read or holds no usable key.
    pub fn keyring(&self, context: &Context<'_>) -> Result<Keyring, Fault> {
        let Some(file) = &self.keyring else { return Ok(Keyring::debian()) };
        let keyring =
            Keyring::read(&fs::read_at_most(file, KEYRING_LIMIT)?, &file.display().to_string())?;
        for key in keyring.unusable() {
            let text = format!("{}: passed over {key}", file.display());
            context.reporter.event(Event::Detail { text });
        }
        Ok(keyring)
    }
}
