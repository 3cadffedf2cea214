//! Counts requests in shared data by compare-and-set; the second request is answered with 429.
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, Status};

proxy_wasm::main! {{
    proxy_wasm::set_http_context(|_, _| Box::new(Counting));
}}

struct Counting;

impl Counting {
    fn next(&self) -> u64 {
        loop {
            let (value, cas) = self.get_shared_data("requests");
            let count = value
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, u64::from_le_bytes)
                + 1;
            match self.set_shared_data("requests", Some(&count.to_le_bytes()), cas) {
                Err(Status::CasMismatch) => continue,
                _ => return count,
            }
        }
    }
}

impl Context for Counting {}

impl HttpContext for Counting {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        if self.next() == 2 {
            self.send_http_response(429, vec![], None);
            return Action::Pause;
        }
        Action::Continue
    }
}
