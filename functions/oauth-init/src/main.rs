#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Stopped> {
    oauth_init::run(shared::clock::Clock::system()).await
}
