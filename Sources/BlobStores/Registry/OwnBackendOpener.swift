// SPDX-License-Identifier: Apache-2.0

public import Logging
public import MediaCore
import WireFormats

/// Opens projects' own stores of every kind there is.
public struct OwnBackendOpener: BackendOpener {
    private let endpoints: EndpointGuard
    /// Blobs up to this size are read whole, in bytes.
    private let inlineReadBytes: Int
    private let logger: Logger

    /// - Parameter inlineReadBytes: blobs up to this size are read whole, in bytes.
    public init(policy: AddressPolicy, inlineReadBytes: Int = 256 << 10, logger: Logger) {
        self.init(endpoints: EndpointGuard(policy: policy), inlineReadBytes: inlineReadBytes, logger: logger)
    }

    init(endpoints: EndpointGuard, inlineReadBytes: Int = 256 << 10, logger: Logger) {
        self.endpoints = endpoints
        self.inlineReadBytes = inlineReadBytes
        self.logger = logger
    }

    public func open(_ configuration: BackendConfiguration) async throws -> any ClosableBlobStore {
        switch configuration {
        case .s3(let place, let credentials): try await openS3(place, credentials)
        case .azure, .gcs:
            throw StorageError(.unsupported, "This server can't use storage of this kind", resource: configuration.place.kind.rawValue)
        }
    }

    private func openS3(
        _ place: BackendPlace.S3, _ credentials: BackendConfiguration.S3Credentials
    ) async throws -> any ClosableBlobStore {
        guard let endpoint = S3Endpoint(place.endpoint ?? Self.amazon(place.region)) else {
            throw StorageError(.invalidParameter, "endpoint must be a URL such as https://s3.example.com", resource: "endpoint")
        }
        let authority = place.usesPathStyle ? endpoint.authority : "\(place.bucket).\(endpoint.authority)"
        let (host, address) = try await endpoints.address(of: "\(endpoint.scheme)://\(authority)")
        var service = S3Configuration(
            endpoint: endpoint, region: place.region, bucket: place.bucket,
            credentials: RequestSigner.Credentials(
                accessKeyID: credentials.accessKeyID, secretAccessKey: credentials.secretAccessKey),
            addressing: place.usesPathStyle ? .path : .virtualHost, inlineReadBytes: inlineReadBytes, connections: 32,
            // Somebody waits for the answer, and the store is somebody else's: sooner an error than a pile of those who wait.
            answerTimeout: .seconds(20), idleTimeout: .seconds(20),
            retries: S3Configuration.RetryPolicy(attempts: 3, deadline: .seconds(20)))
        service.addresses = [host: address]
        return S3BlobStore.foreign(service, logger: logger)
    }

    private static func amazon(_ region: String) -> String {
        "https://s3.\(region).amazonaws.com\(region.hasPrefix("cn-") ? ".cn" : "")"
    }
}

extension S3BlobStore: ClosableBlobStore {}
