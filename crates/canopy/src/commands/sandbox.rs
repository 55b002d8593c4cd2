//! `canopy sandbox`: both services on loopback.

use std::time::Duration;

use canopy_sandbox::Sandbox;
use serde_json::json;

use crate::cli::Sandbox as Options;
use crate::exit::{Ended, Failure};
use crate::{show, shutdown};

/// How long connections and webhooks may take to end; then the process ends without them.
const FAREWELL: Duration = Duration::from_secs(3);

pub(super) async fn sandbox(options: &Options) -> Result<Ended, Failure> {
    let stop = shutdown::on_signal();
    let sandbox = Sandbox::builder()
        .listen(options.listen)
        .contacts(options.contacts.into())
        .seed(options.seed)
        .limits(!options.no_limits)
        .start()
        .await
        .map_err(|error| Failure::bad_input(&error))?;
    let info = json!(sandbox.info());
    if options.json {
        println!("{info}");
    } else {
        let rows: Vec<_> = info
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default().to_owned()))
            .collect();
        print!("{}", show::pairs(&rows));
        eprintln!("the sandbox runs until Ctrl-C; its README documents the control address");
    }
    stop.cancelled().await;
    let _in_time = tokio::time::timeout(FAREWELL, sandbox.shutdown()).await;
    Ok(Ended::Well)
}
