//! HTTP: health and readiness; the API comes with the platform issue
