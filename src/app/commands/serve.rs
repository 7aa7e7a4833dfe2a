//! `yufu serve`: runs the service until it is told to stop.

use std::{io::Write, sync::Arc};

use crate::{
    app::{
        config::{Config, ServeOptions, StartRefusal},
        telemetry,
        wire::{Service, StartError, token_file},
    },
    base::{clock::SystemClock, random::SystemRandom},
    http::server::EndsBy,
};

/// Why the service did not start or ended badly.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The settings.
    #[error(transparent)]
    Settings(#[from] StartRefusal),
    /// The start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The server, or standard output.
    #[error("the service ended: {0}")]
    Io(#[from] std::io::Error),
}

/// Starts the service, says where it is, and waits for its end.
pub fn run(options: ServeOptions, output: &mut dyn Write) -> Result<(), ServeError> {
    let only_check = options.check;
    let config = Config::try_from(options)?;
    if only_check {
        output.write_all(config.to_toml().as_bytes())?;
        return Ok(());
    }
    telemetry::install(&config.report);
    let service = Service::start(&config, Arc::new(SystemClock::new()), Arc::new(SystemRandom), EndsBy::Signals)?;
    output.write_all(banner(&config, &service).as_bytes())?;
    output.flush()?;
    service.wait()?;
    Ok(())
}

/// Where to click and what to type next.
fn banner(config: &Config, service: &Service) -> String {
    let url = service.public_url();
    let mut lines = vec![
        String::new(),
        format!("  鱼符 yufu {}  {url}", env!("CARGO_PKG_VERSION")),
        String::new(),
        format!("  打开 open      {url}/"),
        format!("  查验点 gate    {url}/checkpoint"),
        format!("  接口 API       {url}/docs/"),
    ];
    if let Some(metrics) = service.metrics_address() {
        lines.push(format!("  指标 metrics   http://{metrics}/metrics"));
    }
    lines.push(format!("  管理员令牌 administrator's token   {}", token_file(&config.storage.data).display()));
    lines.extend(service.notes().iter().map(|note| format!("  ! {note}")));
    let demo = "  下一步 next    yufu demo   (cargo run --release -- demo)";
    lines.extend([String::new(), demo.to_owned(), String::new(), String::new()]);
    lines.join("\n")
}
