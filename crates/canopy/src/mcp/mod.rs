//! The catalog served over the Model Context Protocol: three tools instead of one for each operation, so that an
//! assistant's context is not filled with a hundred descriptions.
//!
//! Standard output carries the protocol and nothing else. Ecologi is out of reach: no tool leads to a purchase.

mod fit;
mod tools;
mod wire;

use std::sync::Arc;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorData, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer, ServiceExt};
use rmcp::transport::io::stdio_pipes;
use tokio_util::sync::CancellationToken;

use crate::exit::{Ended, Failure};
use crate::ops::Caller;
use crate::ops::cli::Mcp;
use tools::Tools;
use wire::Lines;

/// Serves until the assistant closes standard input, or until `shutdown`.
pub(crate) async fn serve(
    caller: Caller,
    options: &Mcp,
    shutdown: CancellationToken,
) -> Result<Ended, Failure> {
    let tools = Arc::new(Tools::new(caller, options));
    let running = Server(tools.clone())
        .serve_with_ct(Lines::new(stdio_pipes()), shutdown)
        .await;
    let result = match running {
        Ok(running) => running
            .waiting()
            .await
            .map(drop)
            .map_err(|error| Failure::failed(&error)),
        Err(error) => Err(Failure::failed(&error)),
    };
    // What an assistant asked last may still be under way; it keeps the store until it is done.
    if let Some(tools) = Arc::into_inner(tools) {
        tools.caller.close().await;
    }
    result.map(|()| Ended::Well)
}

struct Server(Arc<Tools>);

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("canopy", env!("CARGO_PKG_VERSION")))
            .with_instructions(self.0.instructions())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.0.list()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.list().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        self.0.call(&request.name, arguments).await.map(Into::into)
    }
}
