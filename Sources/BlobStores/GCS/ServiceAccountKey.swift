// SPDX-License-Identifier: Apache-2.0

import CryptoExtras
import Foundation

/// The key of a Google service account, as its JSON file has it.
public struct ServiceAccountKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// Why a key file could not be read.
    public enum KeyError: Error, Hashable, Sendable, CustomStringConvertible {
        case malformed, notAServiceAccount, unusablePrivateKey, unusableTokenURL

        public var description: String {
            switch self {
            case .malformed: "The service account key is not the JSON file that Google Cloud hands out"
            case .notAServiceAccount: "The key is not a service account's"
            case .unusablePrivateKey: "The private key of the service account key is no RSA key in PEM"
            case .unusableTokenURL: "The token_uri of the service account key is no URL"
            }
        }
    }

    private struct Document: Decodable {
        var type: String?
        var client_email: String
        var private_key: String
        var private_key_id: String?
        var token_uri: String?
    }

    /// The account's address.
    public let email: String
    let keyID: String?
    /// As it is in the file: what a token's request is made out to.
    let tokenURL: String
    let tokenEndpoint: ServiceEndpoint
    private let key: _RSA.Signing.PrivateKey

    /// Reads the JSON file.
    /// - Throws: `KeyError`, which repeats nothing of it.
    public init(json text: String) throws(KeyError) {
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
        } catch {
            throw .malformed
        }
        guard document.type == nil || document.type == "service_account", !document.client_email.isEmpty else {
            throw .notAServiceAccount
        }
        do {
            key = try _RSA.Signing.PrivateKey(pemRepresentation: document.private_key)
        } catch {
            throw .unusablePrivateKey
        }
        tokenURL = document.token_uri ?? "https://oauth2.googleapis.com/token"
        guard let endpoint = ServiceEndpoint(tokenURL) else { throw .unusableTokenURL }
        tokenEndpoint = endpoint
        email = document.client_email
        keyID = document.private_key_id
    }

    /// Never the key.
    public var description: String { "ServiceAccountKey(\(email))" }
    public var debugDescription: String { description }

    /// RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017 §8.2.
    func sign(_ text: String) throws(ServiceFailure) -> [UInt8] {
        do {
            return Array(try key.signature(for: Data(text.utf8), padding: .insecurePKCS1v1_5).rawRepresentation)
        } catch {
            throw ServiceFailure(.denied("the service account's key does not sign"))
        }
    }

    private struct Header: Encodable {
        var alg = "RS256"
        var typ = "JWT"
        var kid: String?
    }

    private struct Claims: Encodable {
        var iss: String
        var scope: String
        var aud: String
        var iat: Int64
        var exp: Int64
    }

    /// What a token is asked for with: a JSON Web Token by the account itself. RFC 7523 §2.1.
    /// - Parameter seconds: since 1970.
    func assertion(scope: String, at seconds: Int64) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let header = try encoder.encode(Header(kid: keyID))
        // An hour is the longest that Google takes.
        let claims = try encoder.encode(Claims(iss: email, scope: scope, aud: tokenURL, iat: seconds, exp: seconds + 3600))
        let text = Self.base64URL(header) + "." + Self.base64URL(claims)
        return text + "." + Self.base64URL(Data(try sign(text)))
    }

    private static func base64URL(_ bytes: Data) -> String {
        String(
            bytes.base64EncodedString().compactMap { character in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }
}
