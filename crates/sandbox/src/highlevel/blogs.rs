//! Blogs: sites, authors, categories (none of which can be made through the API), and posts.

use serde_json::{Value, json};

use super::access::Access::Location;
use super::paging::{self, Size};
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::clock::iso;
use crate::collection::{Collection, Record};
use crate::collections::{Kind, silent};
use crate::operations::Route;
use crate::world::World;

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/blogs/site/all", Location, Some("blogs/list.readonly"), sites),
    Route::new("GET", "/blogs/authors", Location, Some("blogs/author.readonly"), authors),
    Route::new("GET", "/blogs/categories", Location, Some("blogs/category.readonly"), categories),
    Route::new("GET", "/blogs/posts/all", Location, Some("blogs/posts.readonly"), posts),
    Route::new("GET", "/blogs/posts/url-slug-exists", Location, Some("blogs/check-slug.readonly"), slug_exists),
    Route::new("POST", "/blogs/posts", Location, Some("blogs/post.write"), create),
    Route::new("PUT", "/blogs/posts/{postId}", Location, Some("blogs/post-update.write"), update),
];

/// HighLevel documents no webhook about blogs.
const POST: Kind = Kind {
    collection: |all| &mut all.posts,
    created: "blog_post.created",
    updated: "blog_post.updated",
    deleted: "blog_post.deleted",
    events: silent,
};

const SIZE: Size = Size {
    default: 10,
    most: 100,
};

const MEMBERS: &[&str] = &[
    "title",
    "blogId",
    "imageUrl",
    "description",
    "rawHTML",
    "status",
    "imageAltText",
    "categories",
    "tags",
    "author",
    "urlSlug",
    "canonicalLink",
    "publishedAt",
];

fn sites(world: &mut World, call: &Call<'_>) -> Handled {
    let term = call.query("searchTerm").map(str::to_lowercase);
    let asked = |blog: &&Record| mentions(blog, "name", term.as_deref());
    let blogs = world.records.blogs.all().filter(asked);
    let page = paging::skipping(blogs, call, "skip", SIZE)?;
    let page: Vec<Value> = page.into_iter().map(view).collect();
    Ok(Answer::ok(json!({ "data": page })))
}

fn authors(world: &mut World, call: &Call<'_>) -> Handled {
    page_of(&world.records.authors, call, "authors")
}

fn categories(world: &mut World, call: &Call<'_>) -> Handled {
    page_of(&world.records.categories, call, "categories")
}

fn page_of(collection: &Collection, call: &Call<'_>, member: &str) -> Handled {
    let page = paging::skipping(collection.all(), call, "offset", SIZE)?;
    let page: Vec<Value> = page.into_iter().map(view).collect();
    Ok(Answer::ok(json!({ member: page })))
}

/// The newest first.
fn posts(world: &mut World, call: &Call<'_>) -> Handled {
    let term = call.query("searchTerm").map(str::to_lowercase);
    let posts = world.records.posts.all().rev().filter(|post| {
        ["blogId", "status"]
            .iter()
            .all(|member| call.query(member).is_none_or(|text| post.has(member, text)))
            && mentions(post, "title", term.as_deref())
    });
    let page = paging::skipping(posts, call, "offset", SIZE)?;
    let page: Vec<Value> = page.into_iter().map(view).collect();
    Ok(Answer::ok(json!({ "blogs": page })))
}

fn slug_exists(world: &mut World, call: &Call<'_>) -> Handled {
    let slug = call.query("urlSlug").unwrap_or_default();
    let exists = is_taken(world, slug, call.query("postId"));
    Ok(Answer::ok(json!({ "exists": exists })))
}

fn create(world: &mut World, call: &Call<'_>) -> Handled {
    check(world, call, None)?;
    let members = json!({ "locationId": world.location.id, "archived": false, "tags": [] });
    let mut post = Record::new(world.ids.object(), call.now, members);
    write(&mut post, call.body);
    world.add(&POST, &post, call.act());
    Ok(Answer::ok(json!({ "data": view(&post) })))
}

fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let id = call.argument(0);
    world.records.posts.get(id)?;
    check(world, call, Some(id))?;
    let post = world.change(&POST, id, call.act(), |post| write(post, call.body))?;
    Ok(Answer::ok(json!({ "updatedBlogPost": view(&post) })))
}

fn write(post: &mut Record, body: &Value) {
    post.write(body, MEMBERS);
    let archived = post.has("status", "ARCHIVED");
    post.set("archived", archived);
}

/// Blog, author and categories must exist, and the slug must be free.
fn check(world: &World, call: &Call<'_>, own: Option<&str>) -> Result<(), Answer> {
    let records = &world.records;
    for (member, collection) in [("blogId", &records.blogs), ("author", &records.authors)] {
        if let Some(id) = call.body_text(member) {
            collection.named(id)?;
        }
    }
    for id in call.body_texts("categories") {
        records.categories.named(&id)?;
    }
    if call
        .body_text("urlSlug")
        .is_some_and(|slug| is_taken(world, slug, own))
    {
        return Err(Answer::bad_request("The URL slug is taken"));
    }
    Ok(())
}

fn is_taken(world: &World, slug: &str, own: Option<&str>) -> bool {
    let mut posts = world.records.posts.with("urlSlug", slug);
    posts.any(|post| Some(post.id.as_str()) != own)
}

fn mentions(record: &Record, member: &str, text: Option<&str>) -> bool {
    let value = record.text(member).unwrap_or_default().to_lowercase();
    text.is_none_or(|text| value.contains(text))
}

/// These resources call their id `_id`. The text of a post is not shown.
fn view(record: &Record) -> Value {
    let mut view = record.json_as("_id");
    if let Value::Object(members) = &mut view {
        members.shift_remove("rawHTML");
        members.insert("updatedAt".to_owned(), iso(record.updated_at).into());
    }
    view
}
