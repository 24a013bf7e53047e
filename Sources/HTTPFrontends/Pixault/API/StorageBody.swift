// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// A place for a project's originals and what opens it, as clients send them. Each field has some names, in any case, and may lie in
/// `credentials`; a null and an empty text say nothing.
///
/// Errors name the field by its first name and never repeat what was sent in it: it may be a secret in the wrong place.
struct StorageBody {
    /// More than the longest credentials, in bytes.
    static let maxBytes = 64 << 10

    /// The fields, by the names that answers use.
    private enum Field: String, CaseIterable {
        case provider, bucket, region, endpoint, pathPrefix, forcePathStyle, accessKeyId, secretAccessKey, connectionString
        case serviceAccountJson

        /// In lower case.
        var otherNames: [String] {
            switch self {
            case .bucket: ["bucketname", "container", "containername"]
            case .endpoint: ["endpointurl", "serviceurl"]
            case .pathPrefix: ["prefix"]
            case .forcePathStyle: ["usepathstyle"]
            case .accessKeyId: ["accesskey"]
            case .secretAccessKey: ["secretkey"]
            case .serviceAccountJson: ["serviceaccountkey"]
            case .provider, .region, .connectionString: []
            }
        }

        static let named: [String: Field] = Dictionary(
            uniqueKeysWithValues: allCases.flatMap { field in
                ([field.rawValue.lowercased()] + field.otherNames).map { ($0, field) }
            })
    }

    /// What clients call the services.
    private enum Provider {
        case s3, compatible, azure, gcs

        /// In lower case, without what stands between words.
        static let named: [String: Provider] = [
            "s3": .s3, "awss3": .s3, "aws": .s3, "amazons3": .s3,
            "s3compatible": .compatible, "minio": .compatible, "r2": .compatible, "cloudflarer2": .compatible, "b2": .compatible,
            "backblazeb2": .compatible,
            "azure": .azure, "azureblob": .azure, "azureblobstorage": .azure,
            "gcs": .gcs, "google": .gcs, "googlecloud": .gcs, "googlecloudstorage": .gcs,
        ]

        var kind: BackendPlace.Kind {
            switch self {
            case .s3, .compatible: .s3
            case .azure: .azure
            case .gcs: .gcs
            }
        }

        /// What may be said of it besides its name.
        var fields: Set<Field> {
            switch self {
            case .s3, .compatible:
                [.bucket, .region, .endpoint, .pathPrefix, .forcePathStyle, .accessKeyId, .secretAccessKey]
            case .azure: [.bucket, .pathPrefix, .connectionString]
            case .gcs: [.bucket, .endpoint, .pathPrefix, .serviceAccountJson]
            }
        }
    }

    /// What only answers say. Clients send back what they were given.
    private static let ignored: Set<String> = ["isbyos", "configuredat", "lasthealthcheckat", "healthy", "error"]

    private var fields: [Field: RequestValue] = [:]

    /// - Throws: `PixaultProblem` for a field that there is none of, or that is there twice.
    init(_ object: [String: RequestValue]) throws(PixaultProblem) {
        for (name, value) in object.sorted(by: { $0.key < $1.key }) {
            guard name.lowercased() == "credentials" else {
                try add(name, value)
                continue
            }
            switch value {
            case .null: continue
            case .object(let members):
                for (name, value) in members.sorted(by: { $0.key < $1.key }) { try add(name, value) }
            default: throw .invalid("credentials", "must be an object")
            }
        }
    }

    private mutating func add(_ name: String, _ value: RequestValue) throws(PixaultProblem) {
        switch value {
        case .null: return
        case .string(let text) where text.isEmpty: return
        default: break
        }
        let wanted = name.lowercased()
        guard !Self.ignored.contains(wanted) else { return }
        guard let field = Field.named[wanted] else { throw .invalid("\(name.prefix(64))", "is no field of storage") }
        guard fields.updateValue(value, forKey: field) == nil else { throw .invalid(field.rawValue, "is there twice") }
    }

    /// - Throws: `PixaultProblem` that names the first field that is wrong; `StorageError` with `.invalidParameter` for a connection
    ///   string that is none.
    func configuration() throws -> BackendConfiguration {
        let provider = try provider()
        for field in Field.allCases where fields[field] != nil && field != .provider && !provider.fields.contains(field) {
            throw PixaultProblem.invalid(field.rawValue, "is no field of \(provider.kind.rawValue) storage")
        }
        let bucket = try text(.bucket)
        let prefix = try optionalText(.pathPrefix) ?? ""
        switch provider {
        case .s3, .compatible:
            let endpoint = try provider == .compatible ? text(.endpoint) : optionalText(.endpoint)
            return .s3(
                BackendPlace.S3(
                    bucket: bucket, region: try optionalText(.region) ?? "us-east-1", endpoint: endpoint, pathPrefix: prefix,
                    usesPathStyle: try flag(.forcePathStyle)),
                .init(accessKeyID: try text(.accessKeyId), secretAccessKey: try text(.secretAccessKey)))
        case .azure:
            let connection = try text(.connectionString)
            return .azure(
                try BackendPlace.Azure(container: bucket, connectionString: connection, pathPrefix: prefix),
                .init(connectionString: connection))
        case .gcs:
            return .gcs(
                BackendPlace.GCS(bucket: bucket, endpoint: try optionalText(.endpoint), pathPrefix: prefix),
                .init(serviceAccount: try serviceAccount()))
        }
    }

    private func provider() throws(PixaultProblem) -> Provider {
        let name = try text(.provider).lowercased().filter { !"-_ ".contains($0) }
        guard let provider = Provider.named[name] else {
            throw .invalid("provider", "must be one of s3, azure, gcs; DELETE goes back to the server's own storage")
        }
        return provider
    }

    /// Without what copying and pasting leaves around it.
    private func optionalText(_ field: Field) throws(PixaultProblem) -> String? {
        switch fields[field] {
        case nil: return nil
        case .string(let text)?: return text.trimmingCharacters(in: .whitespacesAndNewlines)
        default: throw .invalid(field.rawValue, "must be text")
        }
    }

    private func text(_ field: Field) throws(PixaultProblem) -> String {
        guard let text = try optionalText(field), !text.isEmpty else { throw .invalid(field.rawValue, "is missing") }
        return text
    }

    private func flag(_ field: Field) throws(PixaultProblem) -> Bool? {
        switch fields[field] {
        case nil: return nil
        case .bool(let value)?: return value
        default: throw .invalid(field.rawValue, "must be true or false")
        }
    }

    /// The file's text, or the object that it is.
    private func serviceAccount() throws(PixaultProblem) -> String {
        guard case .object(let members)? = fields[.serviceAccountJson] else { return try text(.serviceAccountJson) }
        var texts: [(name: String, text: String)] = []
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            guard case .string(let text) = value else {
                throw .invalid(Field.serviceAccountJson.rawValue, "must be the JSON key of a service account")
            }
            texts.append((name, text))
        }
        return JSONWriter.object { writer in for member in texts { writer.field(member.name, member.text) } }
    }
}
