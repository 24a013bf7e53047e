// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A place and what opens it. Never shown: whatever describes it says the place alone.
public enum BackendConfiguration: Hashable, Sendable {
    /// Opens a bucket of an S3 service.
    public struct S3Credentials: Hashable, Sendable, Codable {
        public var accessKeyID: String
        public var secretAccessKey: String

        public init(accessKeyID: String, secretAccessKey: String) {
            self.accessKeyID = accessKeyID
            self.secretAccessKey = secretAccessKey
        }
    }

    /// Opens a container of an Azure storage account.
    public struct AzureCredentials: Hashable, Sendable, Codable {
        /// With an account key or a shared access signature.
        public var connectionString: String

        public init(connectionString: String) { self.connectionString = connectionString }
    }

    /// Opens a bucket of Google Cloud Storage.
    public struct GCSCredentials: Hashable, Sendable, Codable {
        /// The JSON key of a service account.
        public var serviceAccount: String

        public init(serviceAccount: String) { self.serviceAccount = serviceAccount }
    }

    case s3(BackendPlace.S3, S3Credentials)
    case azure(BackendPlace.Azure, AzureCredentials)
    case gcs(BackendPlace.GCS, GCSCredentials)

    public var place: BackendPlace {
        switch self {
        case .s3(let place, _): .s3(place)
        case .azure(let place, _): .azure(place)
        case .gcs(let place, _): .gcs(place)
        }
    }
}

extension BackendConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { place.identity }
    public var debugDescription: String { place.identity }
    public var customMirror: Mirror { Mirror(self, children: ["place": place.identity]) }
}

extension BackendConfiguration {
    /// The secret half, to be sealed.
    var credentials: Data {
        get throws {
            switch self {
            case .s3(_, let credentials): try JSONEncoder().encode(credentials)
            case .azure(_, let credentials): try JSONEncoder().encode(credentials)
            case .gcs(_, let credentials): try JSONEncoder().encode(credentials)
            }
        }
    }

    /// The two halves put together again.
    /// - Throws: `DecodingError`.
    init(_ place: BackendPlace, credentials: Data) throws {
        let decoder = JSONDecoder()
        self =
            switch place {
            case .s3(let place): .s3(place, try decoder.decode(S3Credentials.self, from: credentials))
            case .azure(let place): .azure(place, try decoder.decode(AzureCredentials.self, from: credentials))
            case .gcs(let place): .gcs(place, try decoder.decode(GCSCredentials.self, from: credentials))
            }
    }
}
