// SPDX-License-Identifier: Apache-2.0

extension ServerConfiguration {
    /// How jobs are run.
    struct Jobs: Sendable {
        /// The most at a time in this process. 0: this process runs none.
        var workers: Int
        /// How long those are kept that ended.
        var retention: Duration
    }
}

extension ServerConfiguration.Jobs {
    init(_ settings: Settings) throws {
        workers = try settings.integer("JOB_WORKERS", in: 0...1024)
        retention = try settings.duration("JOB_RETENTION", atLeast: .seconds(1))
    }
}
