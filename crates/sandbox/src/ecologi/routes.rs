//! What is served: purchases with the account's key, reports without.

use super::{purchases, reports};
use crate::highlevel::access::Access;
use crate::operations::Route;

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("POST", "/impact/trees", "buy-trees", Access::Location, None, purchases::trees),
    Route::new("POST", "/impact/local-trees", "buy-local-trees", Access::Location, None, purchases::local_trees),
    Route::new("POST", "/impact/carbon", "buy-carbon-avoidance", Access::Location, None, purchases::carbon),
    Route::new("POST", "/impact/carbon-removal", "buy-carbon-removal", Access::Location, None, purchases::carbon_removal),
    Route::new("POST", "/impact/habitat-restoration", "buy-habitat-restoration", Access::Location, None, purchases::habitat_restoration),
    Route::new("GET", "/users/{username}/trees", "get-trees", Access::Open, None, reports::trees),
    Route::new("GET", "/users/{username}/carbon-offset", "get-carbon-offset", Access::Open, None, reports::carbon_offset),
    Route::new("GET", "/users/{username}/carbon-removal", "get-carbon-removal", Access::Open, None, reports::carbon_removal),
    Route::new("GET", "/users/{username}/habitat-restoration", "get-habitat-restoration", Access::Open, None, reports::habitat_restoration),
    Route::new("GET", "/users/{username}/impact", "get-impact", Access::Open, None, reports::impact),
];
