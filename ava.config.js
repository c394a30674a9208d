const config = {
	files: ['.test-build/**/*.spec.js'],
	// Tests look at processes, signals and descriptors, so each file wants a process of its own.
	workerThreads: false,
	timeout: '60s',
};

export default config;
