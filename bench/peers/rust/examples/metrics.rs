//! Increments a counter and records in a histogram for each request.
use proxy_wasm::hostcalls::{define_metric, increment_metric, record_metric};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, MetricType};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root { requests: 0, sizes: 0 }));
}}

const SIZE: u64 = 17;

struct Root {
    requests: u32,
    sizes: u32,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let defined = (
            define_metric(MetricType::Counter, "bench_requests"),
            define_metric(MetricType::Histogram, "bench_sizes"),
        );
        let (Ok(requests), Ok(sizes)) = defined else {
            return false;
        };
        self.requests = requests;
        self.sizes = sizes;
        true
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Metrics {
            requests: self.requests,
            sizes: self.sizes,
        }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Metrics {
    requests: u32,
    sizes: u32,
}

impl Context for Metrics {}

impl HttpContext for Metrics {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let _ = increment_metric(self.requests, 1);
        let _ = record_metric(self.sizes, SIZE);
        Action::Continue
    }
}
