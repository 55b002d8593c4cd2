//! `canopy sandbox`: both services on loopback.

use canopy_sandbox::Sandbox;
use serde_json::json;

use crate::cli::Sandbox as Options;
use crate::exit::{Ended, Failure};
use crate::{show, shutdown};

pub(super) async fn sandbox(options: &Options) -> Result<Ended, Failure> {
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
    shutdown::on_signal().cancelled().await;
    sandbox.shutdown().await;
    Ok(Ended::Well)
}
