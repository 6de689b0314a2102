//! The tool registry, perform(permit), vendor and plain HTTP connectors
