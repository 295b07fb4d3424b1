//! `riffle serve`: open everything, catch up, listen, and on a signal stop in the opposite order.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::ServeOptions;
use crate::config::Config;
use crate::error::AppError;
use crate::process::{PidFile, refuse_huge_pages};
use crate::streams::Controls;
use crate::telemetry;
use crate::wire::{House, Time};

pub fn run(options: &ServeOptions) -> Result<ExitCode, AppError> {
    let config = Config::load(options.config.as_deref(), std::env::vars())?;
    let metrics = telemetry::start(&config.telemetry)?;
    refuse_huge_pages();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(AppError::start("the runtime"))?;
    runtime.block_on(async {
        let started = Instant::now();
        let listen = options.listen.as_deref().unwrap_or(&config.server.listen);
        // Bound before anything is opened: a second process on the same address changes nothing.
        let (listener, address) = bind(listen).await?;
        let house = House::open(&options.data, &config, metrics, Time::machine()).await?;
        let (router, rest) = house.door(&config)?;
        let _process = PidFile::write(&options.data)?;
        let checkpoints = tokio::spawn(checkpoints_on_signal(rest.controls()));
        rest.readiness.set(true);
        if let Some(file) = &options.address_file {
            write_address(file, address)?;
        }
        tracing::info!(%address, ready_ms = started.elapsed().as_millis() as u64, "ready");
        let readiness = rest.readiness.clone();
        let stop = async move {
            stop_signal().await;
            tracing::info!("stopping");
            readiness.set(false);
        };
        let served = server::serve(listener, router, &crate::wire::shell(&config), stop).await;
        checkpoints.abort();
        rest.close().await;
        served.map_err(AppError::Serve)?;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    })
}

async fn bind(listen: &str) -> Result<(TcpListener, SocketAddr), AppError> {
    let bound = async {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bound.await.map_err(|source: std::io::Error| AppError::Io {
        what: "listen on",
        path: listen.to_owned(),
        source,
    })
}

/// Whole or not at all, so that a reader never sees half an address.
fn write_address(file: &Path, address: SocketAddr) -> Result<(), AppError> {
    let beside = file.with_extension("new");
    std::fs::write(&beside, format!("{address}\n"))
        .and_then(|()| std::fs::rename(&beside, file))
        .map_err(AppError::io("write the address file", file))
}

/// SIGUSR1 asks every job for a checkpoint: that is what `riffle jobs checkpoint` sends.
async fn checkpoints_on_signal(controls: Controls) {
    let Ok(mut asked) = signal(SignalKind::user_defined1()) else {
        tracing::warn!("no handler for SIGUSR1: `riffle jobs checkpoint` would end this process");
        return;
    };
    while asked.recv().await.is_some() {
        tracing::info!("checkpoints were asked for");
        controls.checkpoint_request();
    }
}

async fn stop_signal() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            // Without a handler SIGTERM ends the process at once, which the log survives.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
