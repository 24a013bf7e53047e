// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

/// Where a project's originals go: the server's own storage, or its owner's. Credentials come in here and never go out.
extension PixaultAPICall {
    func answer(
        _ part: PixaultAPIRoute.StoragePart, _ method: HTTPRequest.Method, of project: BucketID, as caller: Caller
    ) async throws -> Response {
        switch (part, method) {
        case (.current, .get): Self.json(StorageDocument(try await backends.current(of: project, as: caller)).text)
        case (.current, .put): try await configureStorage(of: project, as: caller)
        case (.current, _): try await leaveStorage(of: project, as: caller)
        case (.validate, _): try await validateStorage(of: project, as: caller)
        case (.health, _): try await storageHealth(of: project, as: caller)
        }
    }

    /// Stores of projects' own.
    /// - Throws: `PixaultProblem` with 501 on a server that can't have them.
    var backends: Backends {
        get throws(PixaultProblem) {
            guard let backends = storage.backends else {
                throw PixaultProblem(
                    .notImplemented, "Projects have no storage of their own here: there is no master key to seal credentials with"
                )
            }
            return backends
        }
    }

    private func configureStorage(of project: BucketID, as caller: Caller) async throws -> Response {
        let backends = try backends
        let configuration = try StorageBody(try await fields(upTo: StorageBody.maxBytes)).configuration()
        let (backend, trial) = try await backends.configure(configuration, of: project, as: caller)
        if let failure = trial.failure {
            throw PixaultProblem(
                .unprocessableContent, "The storage can't be used (\(failure.stage.rawValue)): \(failure.message)",
                members: [("stage", failure.stage.rawValue)])
        }
        return Self.json(StorageDocument(backend).text)
    }

    /// Whatever the bucket is like, that is an answer, not an error.
    private func validateStorage(of project: BucketID, as caller: Caller) async throws -> Response {
        let backends = try backends
        let configuration = try StorageBody(try await fields(upTo: StorageBody.maxBytes)).configuration()
        let trial = try await backends.validate(configuration, of: project, as: caller)
        return Self.json(
            JSONWriter.object { writer in
                writer.field("valid", trial.failure == nil)
                writer.fields(of: trial)
            })
    }

    /// What lies in the store stays readable, for Magpie loses nothing unasked: `?forgetCredentials=true` asks.
    private func leaveStorage(of project: BucketID, as caller: Caller) async throws -> Response {
        let backends = try backends
        let forgets = try queryParameters()["forgetCredentials"].map { text throws(PixaultProblem) in
            guard let value = FormBoolean.read(text) else { throw .invalid("forgetCredentials", "must be true or false") }
            return value
        }
        _ = try await backends.remove(of: project, forgetsCredentials: forgets ?? false, as: caller)
        return Self.json(StorageDocument(nil).text)
    }

    private func storageHealth(of project: BucketID, as caller: Caller) async throws -> Response {
        let backends = try backends
        guard try await backends.current(of: project, as: caller) != nil else {
            // How the server's own storage is, its operator asks at /readyz: there is nothing of the project's to try.
            let healthy = BackendHealth(checkedAt: .now())
            return Self.health(healthy, BackendTrial(milliseconds: 0), provider: StorageDocument.managed)
        }
        let (health, trial) = try await backends.health(of: project, as: caller)
        return Self.health(health, trial, provider: nil)
    }

    private static func health(_ health: BackendHealth, _ trial: BackendTrial, provider: String?) -> Response {
        json(
            JSONWriter.object { writer in
                writer.field("healthy", health.isHealthy)
                if let provider { writer.field("provider", provider) }
                writer.field("checkedAt", health.checkedAt)
                writer.fields(of: trial)
            })
    }
}

/// What a project's storage is, as clients read it: all fields are always there.
private struct StorageDocument {
    /// What the server's own storage is called.
    static let managed = "managed"

    let backend: Backend?

    /// - Parameter backend: nil for the server's own.
    init(_ backend: Backend?) { self.backend = backend }

    var text: String {
        JSONWriter.object { writer in
            writer.field("provider", backend?.place.kind.rawValue ?? Self.managed)
            writer.field("isByos", backend != nil)
            guard let backend else { return }
            writer.field("bucket", backend.place.container)
            writer.field("region", backend.place.region)
            writer.field("endpoint", backend.place.endpoint)
            writer.field("pathPrefix", backend.place.pathPrefix)
            writer.field("forcePathStyle", backend.place.usesPathStyle)
            writer.field("configuredAt", backend.configuredAt)
            writer.field("lastHealthCheckAt", backend.health?.checkedAt)
            writer.field("healthy", backend.health?.isHealthy)
            writer.field("error", backend.health?.failure)
        }
    }
}

extension BackendPlace {
    fileprivate var region: String? {
        if case .s3(let place) = self { place.region } else { nil }
    }

    fileprivate var usesPathStyle: Bool? {
        if case .s3(let place) = self { place.usesPathStyle } else { nil }
    }
}

extension JSONWriter {
    /// How long a trial took, and where it ended if it did.
    fileprivate mutating func fields(of trial: BackendTrial) {
        field("latencyMs", trial.milliseconds)
        guard let failure = trial.failure else { return }
        field("error", failure.message)
        field("stage", failure.stage.rawValue)
    }
}
