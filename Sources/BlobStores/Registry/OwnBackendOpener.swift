// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import WireFormats

/// Opens projects' own stores of every kind there is.
public struct OwnBackendOpener: BackendOpener {
    private let endpoints: EndpointGuard
    private let inlineReadBytes: Int

    /// - Parameter inlineReadBytes: blobs up to this size are read whole, in bytes.
    public init(policy: AddressPolicy, inlineReadBytes: Int = 256 << 10) {
        self.init(endpoints: EndpointGuard(policy: policy), inlineReadBytes: inlineReadBytes)
    }

    init(endpoints: EndpointGuard, inlineReadBytes: Int = 256 << 10) {
        self.endpoints = endpoints
        self.inlineReadBytes = inlineReadBytes
    }

    public func open(_ configuration: BackendConfiguration) async throws -> any ClosableBlobStore {
        switch configuration {
        case .s3(let place, let credentials): try await open(place, credentials)
        case .azure(let place, let credentials): try await open(place, credentials)
        case .gcs(let place, let credentials): try await open(place, credentials)
        }
    }

    private func open(
        _ place: BackendPlace.S3, _ credentials: BackendConfiguration.S3Credentials
    ) async throws -> any ClosableBlobStore {
        var configuration = S3Configuration(
            endpoint: try endpoint(place.endpoint ?? Self.amazon(place.region)), region: place.region, bucket: place.bucket,
            credentials: RequestSigner.Credentials(
                accessKeyID: credentials.accessKeyID, secretAccessKey: credentials.secretAccessKey),
            addressing: place.usesPathStyle ? .path : .virtualHost)
        configuration.limits = try await limits(configuration.hosts)
        return CustomerBlobStore(configuration)
    }

    private func open(
        _ place: BackendPlace.Azure, _ credentials: BackendConfiguration.AzureCredentials
    ) async throws -> any ClosableBlobStore {
        var configuration: AzureConfiguration
        do {
            configuration = try AzureConfiguration(
                connectionString: credentials.connectionString, container: place.container)
        } catch {
            throw Self.invalid("connectionString", error.description)
        }
        configuration.endpoint = try endpoint(place.endpoint)
        configuration.limits = try await limits(configuration.hosts)
        return CustomerBlobStore(configuration)
    }

    private func open(
        _ place: BackendPlace.GCS, _ credentials: BackendConfiguration.GCSCredentials
    ) async throws -> any ClosableBlobStore {
        let key: ServiceAccountKey
        do {
            key = try ServiceAccountKey(json: credentials.serviceAccount)
        } catch {
            throw Self.invalid("serviceAccountJson", error.description)
        }
        // The key says where tokens are asked for, and may have been written by anybody.
        try endpoints.requireSecrecy(of: key.tokenEndpoint)
        var configuration = GCSConfiguration(bucket: place.bucket, key: key)
        if let url = place.endpoint { configuration.endpoint = try endpoint(url) }
        configuration.limits = try await limits(configuration.hosts)
        return CustomerBlobStore(configuration)
    }

    private func endpoint(_ url: String) throws(StorageError) -> ServiceEndpoint {
        guard let endpoint = ServiceEndpoint(url) else {
            throw Self.invalid("endpoint", "endpoint must be a URL such as https://s3.example.com")
        }
        try endpoints.requireSecrecy(of: endpoint)
        return endpoint
    }

    /// Somebody waits for the answer, and the store is somebody else's: sooner an error than a pile of those who wait.
    private func limits(_ hosts: Set<String>) async throws -> RemoteLimits {
        RemoteLimits(
            inlineReadBytes: inlineReadBytes, connections: 32, connectTimeout: .seconds(3), answerTimeout: .seconds(20),
            idleTimeout: .seconds(20), retries: RetryPolicy(attempts: 2, deadline: .seconds(10)),
            addresses: try await endpoints.addresses(of: hosts))
    }

    private static func amazon(_ region: String) -> String {
        "https://s3.\(region).amazonaws.com\(region.hasPrefix("cn-") ? ".cn" : "")"
    }

    private static func invalid(_ field: String, _ message: String) -> StorageError {
        StorageError(.invalidParameter, message, resource: field)
    }
}
