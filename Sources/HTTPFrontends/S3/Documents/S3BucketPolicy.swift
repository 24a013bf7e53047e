// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import MediaCore

/// The bucket policy that corresponds to a public bucket: everybody may read its objects. Other policies are written in the
/// database, where they hold for every dialect.
struct S3BucketPolicy {
    static let maxBytes = 20 * 1024

    /// What is said of a public bucket.
    static func document(of bucket: BucketID) -> String {
        JSONWriter.object { writer in
            writer.field("Version", "2012-10-17")
            writer.key("Statement")
            writer.array(["PublicRead"]) { writer, id in
                writer.object { writer in
                    writer.field("Sid", id)
                    writer.field("Effect", "Allow")
                    writer.field("Principal", "*")
                    writer.field("Action", "s3:GetObject")
                    writer.field("Resource", "arn:aws:s3:::\(bucket.rawValue)/*")
                }
            }
        }
    }

    /// Reads a policy that makes a bucket public.
    /// - Throws: `S3Error` `MalformedPolicy` for what is no policy, `NotImplemented` for one that says anything else.
    static func requirePublicRead(_ json: some Sequence<UInt8>, of bucket: BucketID) throws(S3Error) {
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(json))
        } catch {
            throw S3Error(.badRequest, "MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
        }
        let name = "arn:aws:s3:::\(bucket.rawValue)"
        guard document.statements.flatMap(\.resources).allSatisfy({ $0 == name || $0.hasPrefix(name + "/") }) else {
            throw S3Error(.badRequest, "MalformedPolicy", "Policy has invalid resource")
        }
        let resources: Set<String> = [name, name + "/*"]
        let readings: Set<String> = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetBucketLocation"]
        for statement in document.statements {
            guard statement.effect == "Allow", statement.isForEverybody, statement.condition == nil,
                Set(statement.resources).isSubset(of: resources), Set(statement.actions).isSubset(of: readings)
            else {
                throw .notImplemented(
                    "bucket policies other than public reading of all objects; write policies on storage.objects")
            }
        }
        let readers = document.statements.filter { $0.actions.contains("s3:GetObject") }
        guard readers.allSatisfy({ $0.resources.contains(name + "/*") }) else {
            throw S3Error(.badRequest, "MalformedPolicy", "Action does not apply to any resource(s) in statement")
        }
        guard !readers.isEmpty else {
            throw .notImplemented("bucket policies that do not allow s3:GetObject")
        }
    }

    private struct Document: Decodable {
        let statements: [Statement]

        enum CodingKeys: String, CodingKey { case statements = "Statement" }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            statements = try OneOrMany<Statement>(from: container.superDecoder(forKey: .statements)).values
        }
    }

    private struct Statement: Decodable {
        let effect: String
        let isForEverybody: Bool
        let actions: [String]
        let resources: [String]
        /// Whatever it is: none is understood.
        let condition: Present?

        enum CodingKeys: String, CodingKey {
            case effect = "Effect"
            case principal = "Principal"
            case actions = "Action"
            case resources = "Resource"
            case condition = "Condition"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            effect = try container.decode(String.self, forKey: .effect)
            actions = try container.decode(OneOrMany<String>.self, forKey: .actions).values
            resources = try container.decode(OneOrMany<String>.self, forKey: .resources).values
            condition = container.contains(.condition) ? Present() : nil
            // A text or an object: what is neither fails in the other branch.
            if let name = try? container.decode(String.self, forKey: .principal) {
                isForEverybody = name == "*"
            } else {
                let names = try container.decode([String: OneOrMany<String>].self, forKey: .principal)
                isForEverybody = names.count == 1 && names["AWS"]?.values == ["*"]
            }
        }

        struct Present {}
    }

    private struct OneOrMany<Value: Decodable>: Decodable {
        let values: [Value]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            // What is neither one nor a list fails in the other branch.
            if let one = try? container.decode(Value.self) {
                values = [one]
            } else {
                values = try container.decode([Value].self)
            }
        }
    }
}
