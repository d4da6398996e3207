use std::{future::poll_fn, pin::Pin};

use async_stream::try_stream;
use futures_core::Stream;
use tonic::Status;

use crate::{Client, Error, circle::Circle, v1};

/// A request that lists: its answer is one page. For the requests of this crate only.
pub trait ListRequest: sealed::ListRequest<Response: Send, Item: Send> + Clone + Send + Sync + 'static {}

mod sealed {
    use super::{Client, Status};

    pub trait ListRequest: Sized {
        type Response;
        type Item;

        fn send(self, client: &Client) -> impl Future<Output = Result<Self::Response, Status>> + Send;
        fn page_token(&self) -> &str;
        fn set_page_token(&mut self, token: String);
        fn next_page_token(page: &Self::Response) -> &str;
        fn items(page: Self::Response) -> Vec<Self::Item>;
    }
}

/// The answer to a request that lists: one page.
pub type PageOf<R> = <R as sealed::ListRequest>::Response;

/// The items that a listing request gives.
pub type ItemOf<R> = <R as sealed::ListRequest>::Item;

macro_rules! lists {
    ($($service:ident.$method:ident: $request:ident -> $response:ident { $items:ident: $item:ident })*) => {
        $(
            impl sealed::ListRequest for v1::$request {
                type Response = v1::$response;
                type Item = v1::$item;

                async fn send(self, client: &Client) -> Result<v1::$response, Status> {
                    client.$service().$method(self).await.map(tonic::Response::into_inner)
                }

                fn page_token(&self) -> &str {
                    &self.page_token
                }

                fn set_page_token(&mut self, token: String) {
                    self.page_token = token;
                }

                fn next_page_token(page: &v1::$response) -> &str {
                    &page.next_page_token
                }

                fn items(page: v1::$response) -> Vec<v1::$item> {
                    page.$items
                }
            }

            impl ListRequest for v1::$request {}
        )*
    };
}

lists! {
    relationships.list_relationships: ListRelationshipsRequest -> ListRelationshipsResponse {
        relationships: Relationship
    }
    relationships.list_incoming_relationships: ListIncomingRelationshipsRequest -> ListIncomingRelationshipsResponse {
        incoming_relationships: IncomingRelationship
    }
    models.list_models: ListModelsRequest -> ListModelsResponse { models: Model }
    event_routes.list_event_routes: ListEventRoutesRequest -> ListEventRoutesResponse { event_routes: EventRoute }
    jobs.list_import_jobs: ListImportJobsRequest -> ListImportJobsResponse { import_jobs: ImportJob }
    jobs.list_delete_jobs: ListDeleteJobsRequest -> ListDeleteJobsResponse { delete_jobs: DeleteJob }
    queries.query_twins: QueryTwinsRequest -> QueryTwinsResponse { rows: QueryRow }
}

impl Client {
    /// The answers to a request that lists, from its `page_token` on, each fetched when it is asked for. An error ends
    /// the stream; page tokens that lead in a circle are one.
    pub fn pages<R: ListRequest>(
        &self,
        mut request: R,
    ) -> impl Stream<Item = Result<PageOf<R>, Error>> + Send + Unpin + use<R> {
        let client = self.clone();
        Box::pin(try_stream! {
            let mut circle = Circle::new(request.page_token());
            loop {
                let page = request.clone().send(&client).await?;
                let next = R::next_page_token(&page).to_owned();
                yield page;
                if next.is_empty() {
                    return;
                }
                if circle.closes_at(&next) {
                    Err(Status::internal("the server's page tokens lead in a circle"))?;
                }
                request.set_page_token(next);
            }
        })
    }

    /// The items of all pages of a request that lists. An error ends the stream.
    ///
    /// ```no_run
    /// use tokio_stream::StreamExt;
    /// use twinfront::v1::ListRelationshipsRequest;
    ///
    /// # async fn example(client: twinfront::Client) -> Result<(), twinfront::Error> {
    /// let request = ListRelationshipsRequest { digital_twin_id: "floor-0".into(), ..Default::default() };
    /// let mut relationships = client.items(request);
    /// while let Some(relationship) = relationships.try_next().await? {
    ///     println!("{} leads to {}", relationship.id, relationship.target_id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn items<R: ListRequest>(
        &self,
        request: R,
    ) -> impl Stream<Item = Result<ItemOf<R>, Error>> + Send + Unpin + use<R> {
        let mut pages = self.pages(request);
        Box::pin(try_stream! {
            while let Some(page) = poll_fn(|cx| Pin::new(&mut pages).poll_next(cx)).await {
                for item in R::items(page?) {
                    yield item;
                }
            }
        })
    }
}
