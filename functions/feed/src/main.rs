#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Stopped> {
    feed::run(shared::clock::Clock::system()).await
}
