// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MediaCore
import PostgresMetadata

extension BackendCommand {
    struct Direct: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Sends clients of a bucket to its storage itself for large downloads, or has all bytes pass through the server.",
            discussion: "Without an option it says how it is.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The project, or any other bucket.")
        var bucket: String

        @Option(help: "From which size on, as `1MB`.")
        var from: String?

        @Flag(help: "All bytes pass through the server.")
        var off = false

        func validate() throws {
            guard !off || from == nil else { throw ValidationError("--from and --off exclude each other") }
        }

        func run() async throws {
            let id = try BucketID(existing: bucket)
            let changes = try changes()
            let settings = try await common.withMetadata { metadata in
                guard let changes else { return try await metadata.bucketSettings(id, facts: RequestFacts(operation: .upkeep)) }
                let caller = Caller(principal: metadata.service, facts: RequestFacts(operation: .upkeep))
                return try await metadata.updateBucketSettings(id, changes: changes, as: caller)
            }
            guard let least = settings.directFrom else { return print("All bytes of \(bucket) pass through the server.") }
            print("Downloads of \(bucket) from \(least) bytes on are redirected to its storage, where that can let clients in.")
        }

        private func changes() throws -> BucketSettingsChanges? {
            if off { return BucketSettingsChanges(directFrom: .some(nil)) }
            guard let from else { return nil }
            guard let bytes = Quantity.bytes(from) else { throw ValidationError("--from must be a size such as 1MB") }
            return BucketSettingsChanges(directFrom: bytes)
        }
    }
}
