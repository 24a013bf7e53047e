// SPDX-License-Identifier: Apache-2.0

import Foundation
public import WireFormats

/// A container of an Azure storage account, and how it is to be spoken to.
public struct AzureConfiguration: Sendable {
    /// What the account takes for a reason to answer.
    public enum Credentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
        /// The account's key, which may do everything.
        case key(SharedKey)
        /// A query that somebody signed: a shared access signature, without a `?` before it.
        case signature(String)

        /// Never the secret.
        public var description: String {
            switch self {
            case .key(let key): key.description
            case .signature: "a shared access signature"
            }
        }
        public var debugDescription: String { description }
    }

    public var endpoint: ServiceEndpoint
    public var container: String
    public var credentials: Credentials
    /// What stands before every key of a store of the server's own: `magpie/`. Empty, or with a `/` at its end.
    public var prefix: String
    /// Copies are made in pieces of this size, in bytes.
    public var copyBytes: Int64
    public var limits: RemoteLimits

    public init(
        endpoint: ServiceEndpoint, container: String, credentials: Credentials, prefix: String = "", copyBytes: Int64 = 64 << 20,
        limits: RemoteLimits = RemoteLimits()
    ) {
        self.endpoint = endpoint
        self.container = container
        self.credentials = credentials
        self.prefix = prefix
        self.copyBytes = copyBytes
        self.limits = limits
    }

    /// Reads a connection string, as Azure's portal shows it: `DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…`, or with
    /// `BlobEndpoint` and `SharedAccessSignature`.
    /// - Throws: `ConnectionStringError`, which repeats nothing of it.
    public init(connectionString: String, container: String, prefix: String = "", limits: RemoteLimits = RemoteLimits())
        throws(ConnectionStringError)
    {
        let settings = Self.settings(connectionString)
        self.init(
            endpoint: try Self.endpoint(settings), container: container, credentials: try Self.credentials(settings),
            prefix: prefix,
            limits: limits)
    }

    /// Why a connection string could not be read.
    public enum ConnectionStringError: Error, Hashable, Sendable, CustomStringConvertible {
        case noEndpoint, noCredentials, malformedKey

        public var description: String {
            switch self {
            case .noEndpoint: "The connection string names neither an account nor a valid blob endpoint"
            case .noCredentials: "The connection string has neither an account's name and key nor a shared access signature"
            case .malformedKey: "The account key of the connection string is not base64"
            }
        }
    }

    /// The names of the hosts that are spoken to.
    public var hosts: Set<String> { [endpoint.host] }

    private static func settings(_ text: String) -> [String: String] {
        let pairs = text.split(separator: ";").compactMap { part -> (String, String)? in
            guard let equals = part.firstIndex(of: "=") else { return nil }
            let name = part[..<equals].trimmingCharacters(in: .whitespaces).lowercased()
            return (name, part[equals...].dropFirst().trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return Dictionary(pairs, uniquingKeysWith: { $1 })
    }

    private static func endpoint(_ settings: [String: String]) throws(ConnectionStringError) -> ServiceEndpoint {
        let url: String
        if let endpoint = settings["blobendpoint"] {
            url = endpoint
        } else if let account = settings["accountname"], !account.isEmpty {
            let (scheme, suffix) = (
                settings["defaultendpointsprotocol"] ?? "https", settings["endpointsuffix"] ?? "core.windows.net"
            )
            url = "\(scheme)://\(account).blob.\(suffix)"
        } else {
            throw .noEndpoint
        }
        guard let endpoint = ServiceEndpoint(url) else { throw .noEndpoint }
        return endpoint
    }

    private static func credentials(_ settings: [String: String]) throws(ConnectionStringError) -> Credentials {
        if let signature = settings["sharedaccesssignature"], !signature.isEmpty {
            return .signature(signature.hasPrefix("?") ? String(signature.dropFirst()) : signature)
        }
        guard let account = settings["accountname"], let key = settings["accountkey"] else { throw .noCredentials }
        guard let shared = SharedKey(account: account, base64Key: key) else { throw .malformedKey }
        return .key(shared)
    }
}
