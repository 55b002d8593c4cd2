//! `canopy mcp`: the catalog for AI assistants.

use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::mcp;
use crate::ops::Caller;
use crate::ops::cli::Mcp;
use crate::shutdown;

pub(super) async fn mcp(options: Mcp, environment: &Environment) -> Result<Ended, Failure> {
    let caller = Caller::open(&options.connection, environment).await?;
    let actions = if options.allow_actions {
        "reads and actions"
    } else {
        "reads only"
    };
    tracing::info!("serving the catalog on standard input and output: {actions}");
    mcp::serve(caller, &options, shutdown::on_signal()).await
}
