#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Stopped> {
    oauth_callback::run(shared::clock::Clock::system()).await
}
