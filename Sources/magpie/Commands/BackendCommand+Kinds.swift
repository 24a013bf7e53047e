// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MediaCore

extension BackendCommand {
    struct S3: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "s3", abstract: "Has new originals of a project go to a bucket of an S3 service.",
            discussion: "Reads the secret access key from standard input.")

        @OptionGroup var target: BackendTarget

        @Option(help: "The bucket.")
        var bucket: String

        @Option(help: "The region that requests are signed for.")
        var region = "us-east-1"

        @Option(help: "The URL of the service; Amazon's own when not given.")
        var endpoint: String?

        @Option(help: "The access key id.")
        var accessKey: String

        @Flag(inversion: .prefixedNo, help: "Whether the bucket stands in the path of URLs; the default depends on the endpoint.")
        var pathStyle: Bool?

        func run() async throws {
            let place = BackendPlace.S3(
                bucket: bucket, region: region, endpoint: endpoint, pathPrefix: target.prefix, usesPathStyle: pathStyle)
            let secret = try StandardInput.secret("the secret access key")
            try await target.use(.s3(place, .init(accessKeyID: accessKey, secretAccessKey: secret)))
        }
    }

    struct Azure: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "azure", abstract: "Has new originals of a project go to a container of an Azure storage account.",
            discussion: "Reads the connection string from standard input.")

        @OptionGroup var target: BackendTarget

        @Option(help: "The container.")
        var container: String

        func run() async throws {
            let text = try StandardInput.secret("the connection string")
            let place = try BackendPlace.Azure(container: container, connectionString: text, pathPrefix: target.prefix)
            try await target.use(.azure(place, .init(connectionString: text)))
        }
    }

    struct GCS: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "gcs", abstract: "Has new originals of a project go to a bucket of Google Cloud Storage.",
            discussion: "Reads the JSON key of a service account from standard input.")

        @OptionGroup var target: BackendTarget

        @Option(help: "The bucket.")
        var bucket: String

        @Option(help: "The URL of the service; Google's own when not given.")
        var endpoint: String?

        func run() async throws {
            let place = BackendPlace.GCS(bucket: bucket, endpoint: endpoint, pathPrefix: target.prefix)
            try await target.use(.gcs(place, .init(serviceAccount: try StandardInput.secret("the JSON key"))))
        }
    }
}

/// What every kind of store is configured with.
struct BackendTarget: ParsableArguments {
    @OptionGroup var common: CommonOptions

    @Option(help: "The project.")
    var project: String

    @Option(help: "What stands before every key in the store.")
    var prefix = ""

    @Flag(help: "Only try the store.")
    var dryRun = false

    func use(_ configuration: BackendConfiguration) async throws {
        let trial = try await common.withBackends { backends, caller in
            let id = try BucketID(existing: project)
            return dryRun
                ? try await backends.validate(configuration, of: id, as: caller)
                : try await backends.configure(configuration, of: id, as: caller).trial
        }
        try BackendCommand.report(trial)
    }
}

/// What commands are told in secret.
enum StandardInput {
    /// All of it, without the line break at its end.
    static func secret(_ what: String) throws -> String {
        let data = try FileHandle.standardInput.readToEnd() ?? Data()
        let text = String(decoding: data.prefix(65_536), as: UTF8.self).trimmingCharacters(in: .newlines)
        guard !text.isEmpty else { throw ConfigurationError("\(what) must be given on standard input") }
        return text
    }
}
