//! What is served: purchases with the account's key, reports without.

use super::{purchases, reports};
use crate::highlevel::access::Access;
use crate::operations::Route;

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("POST", "/impact/trees", Access::Location, None, purchases::trees),
    Route::new("POST", "/impact/local-trees", Access::Location, None, purchases::local_trees),
    Route::new("POST", "/impact/carbon", Access::Location, None, purchases::carbon),
    Route::new("POST", "/impact/carbon-removal", Access::Location, None, purchases::carbon_removal),
    Route::new("POST", "/impact/habitat-restoration", Access::Location, None, purchases::habitat_restoration),
    Route::new("GET", "/users/{username}/trees", Access::Open, None, reports::trees),
    Route::new("GET", "/users/{username}/carbon-offset", Access::Open, None, reports::carbon_offset),
    Route::new("GET", "/users/{username}/carbon-removal", Access::Open, None, reports::carbon_removal),
    Route::new("GET", "/users/{username}/habitat-restoration", Access::Open, None, reports::habitat_restoration),
    Route::new("GET", "/users/{username}/impact", Access::Open, None, reports::impact),
];
