//! OAuth: from the installation of an app to tokens that renew themselves.
//!
//! A person installs the app at [`OAuthApp::authorize_url`] and comes back with a code; [`OAuthApp::exchange`] turns it
//! into [`Tokens`]; [`OAuthTokens`] is the token source of a client from then on. It renews the access token ahead of its
//! end and when the service refuses it. A refresh token works once, so one renewal at a time is under way, it goes on when
//! the call that asked for it is dropped, and its result is kept by a [`TokenStore`] before any call uses it.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use canopy_highlevel::Client;
//! use canopy_highlevel::oauth::{OAuthApp, OAuthTokens, StoreFailure, TokenStore, Tokens};
//!
//! #[derive(Debug)]
//! struct Keeper;
//!
//! #[async_trait]
//! impl TokenStore for Keeper {
//!     async fn save(&self, tokens: &Tokens) -> Result<(), StoreFailure> {
//!         // Encrypt `tokens.access()` and `tokens.refresh()`, write them, and return when they are safe.
//!         Ok(())
//!     }
//! }
//!
//! # async fn example(code: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let app = OAuthApp::new("client-id", "client-secret").redirect_uri("https://app.example.com/callback");
//! println!("{}", app.authorize_url(&["contacts.readonly", "contacts.write"], "state")?);
//! // The person comes back with a code:
//! let tokens = app.exchange(code).await?;
//! Keeper.save(&tokens).await?;
//! let source = OAuthTokens::builder(app, tokens, Arc::new(Keeper)).build()?;
//! let client = Client::builder().token_source(Arc::new(source)).build()?;
//! # Ok(())
//! # }
//! ```

mod app;
mod renew;
mod source;
mod tokens;

pub use app::{CHOOSER_URL, ExchangeError, Installation, OAuthApp};
pub use source::{Builder, OAuthTokens};
pub use tokens::{StoreFailure, TokenStore, Tokens, member};
