// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Where a project keeps its originals outside of this server: everything of it that is no secret.
public enum BackendPlace: Hashable, Sendable {
    /// The kinds of services there are.
    public enum Kind: String, Hashable, Sendable, CaseIterable { case s3, azure, gcs }

    /// A bucket of an S3 service.
    public struct S3: Hashable, Sendable, Codable {
        public var bucket: String
        public var region: String
        /// A URL. Nil: Amazon's own service in the region.
        public var endpoint: String?
        /// Empty, or ends in one `/`.
        public var pathPrefix: String
        /// Whether the bucket stands in the path of URLs, not in their host.
        public var usesPathStyle: Bool

        public init(
            bucket: String, region: String = "us-east-1", endpoint: String? = nil, pathPrefix: String = "",
            usesPathStyle: Bool? = nil
        ) {
            self.bucket = bucket
            self.region = region
            self.endpoint = endpoint
            self.pathPrefix = pathPrefix
            // A certificate for *.s3.amazonaws.com does not cover names with dots in them.
            self.usesPathStyle = usesPathStyle ?? (endpoint != nil || bucket.contains("."))
        }
    }

    /// A container of an Azure storage account.
    public struct Azure: Hashable, Sendable, Codable {
        public var account: String
        public var container: String
        /// The URL of the account's blob service.
        public var endpoint: String
        /// Empty, or ends in one `/`.
        public var pathPrefix: String

        public init(account: String, container: String, endpoint: String, pathPrefix: String = "") {
            self.account = account
            self.container = container
            self.endpoint = endpoint
            self.pathPrefix = pathPrefix
        }
    }

    /// A bucket of Google Cloud Storage.
    public struct GCS: Hashable, Sendable, Codable {
        public var bucket: String
        /// A URL. Nil: Google's own service.
        public var endpoint: String?
        /// Empty, or ends in one `/`.
        public var pathPrefix: String

        public init(bucket: String, endpoint: String? = nil, pathPrefix: String = "") {
            self.bucket = bucket
            self.endpoint = endpoint
            self.pathPrefix = pathPrefix
        }
    }

    case s3(S3)
    case azure(Azure)
    case gcs(GCS)

    public var kind: Kind {
        switch self {
        case .s3: .s3
        case .azure: .azure
        case .gcs: .gcs
        }
    }

    /// What stands before every key. Empty, or ends in one `/`.
    public var pathPrefix: String {
        switch self {
        case .s3(let place): place.pathPrefix
        case .azure(let place): place.pathPrefix
        case .gcs(let place): place.pathPrefix
        }
    }

    /// The bucket, or the container.
    public var container: String {
        switch self {
        case .s3(let place): place.bucket
        case .azure(let place): place.container
        case .gcs(let place): place.bucket
        }
    }

    /// The URL of the service as it was given. Nil: the provider's own.
    public var endpoint: String? {
        switch self {
        case .s3(let place): place.endpoint
        case .azure(let place): place.endpoint
        case .gcs(let place): place.endpoint
        }
    }

    /// Tells places apart: two texts are the same where the same key is the same bytes. How one gets there, through which region or by which
    /// form of URL, is not in it. The prefix is: who narrows it may lose what lies beside it.
    public var identity: String {
        switch self {
        case .s3(let place): "s3:\(place.endpoint ?? "amazon")/\(place.bucket)/\(place.pathPrefix)"
        case .azure(let place): "azure:\(place.endpoint)/\(place.container)/\(place.pathPrefix)"
        case .gcs(let place): "gcs:\(place.endpoint ?? "google")/\(place.bucket)/\(place.pathPrefix)"
        }
    }
}

extension BackendPlace {
    /// As a row keeps it: the settings of its kind.
    public var settings: JSONText {
        get throws {
            switch self {
            case .s3(let place): try Self.text(place)
            case .azure(let place): try Self.text(place)
            case .gcs(let place): try Self.text(place)
            }
        }
    }

    /// A place from its row.
    /// - Throws: `StorageError` with `.notConfigured` for settings that this version does not understand.
    public init(_ kind: Kind, settings: JSONText) throws(StorageError) {
        let data = Data(settings.rawValue.utf8)
        do {
            self =
                switch kind {
                case .s3: .s3(try JSONDecoder().decode(S3.self, from: data))
                case .azure: .azure(try JSONDecoder().decode(Azure.self, from: data))
                case .gcs: .gcs(try JSONDecoder().decode(GCS.self, from: data))
                }
        } catch {
            throw StorageError(.notConfigured, "This version does not understand the storage of the project", cause: error)
        }
    }

    private static func text(_ place: some Encodable) throws -> JSONText {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return JSONText(trusted: String(decoding: try encoder.encode(place), as: UTF8.self))
    }
}
