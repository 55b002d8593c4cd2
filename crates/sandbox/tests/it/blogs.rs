//! Blogs and their posts.

use serde_json::{Value, json};

use crate::harness::{World, settled};

async fn post(world: &World, title: &str) -> Value {
    json!({
        "title": title, "locationId": world.info().location_id, "blogId": world.first("blogs").await["id"],
        "imageUrl": "https://example.com/a.png", "description": "d", "rawHTML": "<p>x</p>", "status": "DRAFT",
        "imageAltText": "a", "categories": [world.first("categories").await["id"]],
        "author": world.first("authors").await["id"], "urlSlug": title.to_lowercase(),
        "publishedAt": "2026-11-01T10:00:00.000Z",
    })
}

#[tokio::test]
async fn posts_are_written_listed_and_guard_their_slugs() {
    let world = settled().await;
    let location = world.info().location_id.clone();
    let blog = world.first("blogs").await["id"].clone();
    let blog = blog.as_str().unwrap();
    let mut made = Vec::new();
    for title in ["Oaks", "Elms", "Yews"] {
        let order = post(&world, title).await;
        let answer = world.call("POST", "/blogs/posts", order).await.expect(200);
        made.push(answer["data"].clone());
    }
    let titles = async |query: &str| {
        let path = format!("/blogs/posts/all?locationId={location}&blogId={blog}{query}");
        let page = world.get(&path).await.expect(200);
        let posts = page["blogs"].as_array().unwrap().clone();
        posts
            .into_iter()
            .map(|post| post["title"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(titles("&limit=2&offset=0").await, ["Yews", "Elms"]);
    assert_eq!(titles("&limit=2&offset=2").await, ["Oaks"]);
    assert_eq!(titles("&limit=5&offset=0&searchTerm=elm").await, ["Elms"]);
    let own = format!("/blogs/posts/{}", made[0]["_id"].as_str().unwrap());
    let mut update = post(&world, "Oaks").await;
    update["status"] = json!("PUBLISHED");
    let changed = world.call("PUT", &own, update.clone()).await.expect(200);
    assert_eq!(changed["updatedBlogPost"]["status"], "PUBLISHED");
    assert_eq!(titles("&limit=5&offset=0&status=PUBLISHED").await, ["Oaks"]);

    let exists = async |query: &str| {
        let path = format!("/blogs/posts/url-slug-exists?locationId={location}{query}");
        world.get(&path).await.expect(200)["exists"].clone()
    };
    assert_eq!(exists("&urlSlug=oaks").await, true);
    assert_eq!(exists("&urlSlug=firs").await, false);
    let own_id = made[0]["_id"].as_str().unwrap();
    assert_eq!(
        exists(&format!("&urlSlug=oaks&postId={own_id}")).await,
        false
    );
    update["urlSlug"] = json!("elms");
    world.call("PUT", &own, update.clone()).await.expect(400);
    update["author"] = json!("nobody");
    world
        .call("POST", "/blogs/posts", update.clone())
        .await
        .expect(400);
    update["colour"] = json!("green");
    world.call("POST", "/blogs/posts", update).await.expect(422);
    let sites = format!("/blogs/site/all?locationId={location}&skip=0&limit=5&searchTerm=none");
    assert_eq!(world.get(&sites).await.expect(200)["data"], json!([]));
    assert_eq!(
        world.kinds(&made[0]["_id"]).await,
        ["blog_post.created", "blog_post.updated"]
    );
}
