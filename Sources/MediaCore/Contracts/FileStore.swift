// SPDX-License-Identifier: Apache-2.0

/// Files of projects, and the keys that are given out for them. Each requirement is one transaction.
///
/// A file's row is there as long as its object: it goes in the transaction that deletes the object, whoever does that, and its size and
/// type follow the object's. Policies that come with the tables let callers at files and at their objects, in every dialect:
///
/// - a `public` file is seen by everybody, a `protected` one by whoever has a token of the role of users, a `shared` one by those it is
///   shared with;
/// - its owner sees, changes and deletes it, and so do those who act for the project, as far as their right goes;
/// - an object may be made at a key by whoever was given it, and until the file is registered nobody else sees what is there.
public protocol FileStore: Sendable {
    // MARK: Tickets

    /// Writes a ticket, as caller who may upload to the project: users for themselves, and who may write its objects.
    /// - Throws: `.bucketNotFound` where there is no such project; `.accessDenied`; `.objectExists` for a key that is taken.
    func createTicket(_ ticket: FileTicket, as caller: Caller) async throws

    /// The ticket of a key, as caller. - Throws: `.objectNotFound` where there is none; `.accessDenied` for somebody else's.
    func ticket(at address: ObjectAddress, as caller: Caller) async throws -> FileTicket

    /// The ticket of a file to be, as caller. - Throws: as `ticket(at:as:)`.
    func ticket(_ id: FileID, in project: BucketID, as caller: Caller) async throws -> FileTicket

    /// The ticket of a key, as system: for who shows a signed right. Nil when there is none.
    func ticket(at address: ObjectAddress, facts: RequestFacts) async throws -> FileTicket?

    /// Tickets that were issued before `date` and never registered, as system, the oldest first.
    func unregisteredTickets(issuedBefore date: Timestamp, limit: Int) async throws -> [FileTicket]

    /// Removes a ticket that is not registered, as system, with the object that is at its key: its blob's deletion is requested, and no
    /// version of it is kept. - Returns: whether it was there.
    func dropTicket(_ id: FileID) async throws -> Bool

    /// Forgets tickets that were registered and issued before `date`, as system: their files are rows. - Returns: how many.
    func forgetTickets(issuedBefore date: Timestamp) async throws -> Int

    // MARK: Files

    /// Makes a file of what was uploaded to a ticket's key, as caller whose ticket it is. Its owner, its size and its object are those of
    /// the ticket and of the object; the ticket is spent.
    /// - Throws: `.objectNotFound` without a ticket or an object; `.accessDenied` for somebody else's ticket; `.objectExists` when it is
    ///   spent; `.preconditionFailed` when the object has another version than the draft says.
    func registerFile(_ draft: FileDraft, as caller: Caller) async throws -> FileRecord

    /// As caller. - Throws: `.objectNotFound` where there is none; `.accessDenied` for one that the caller must not see.
    func file(_ id: FileID, in project: BucketID, as caller: Caller) async throws -> FileRecord

    /// As caller: those that the caller may see.
    func files(matching query: FileQuery, in project: BucketID, as caller: Caller) async throws -> FoundFiles

    /// Changes a file, as caller who may update its object; `updatedAt` is now. - Throws: as `file`, also for who may only see it.
    /// - Parameter checked: asked of the file as it would become, before anything is written; what it throws leaves it as it is.
    func updateFile(
        _ id: FileID, patch: FilePatch, in project: BucketID, as caller: Caller,
        checked: @escaping @Sendable (FileRecord) throws -> Void
    ) async throws -> FileRecord

    /// Shares a file with more and with fewer, as caller who may update its object.
    /// - Parameter most: how many it may be shared with.
    /// - Throws: as `updateFile`; `.invalidParameter` past `most`.
    /// - Returns: all it is shared with then, in byte order.
    func changeShares(
        of id: FileID, adding: [String], removing: [String], most: Int, in project: BucketID, as caller: Caller
    ) async throws -> [String]

    /// The picture of a user, as system: it is everybody's to see. Nil when there is none.
    func avatar(of subject: String, in project: BucketID, facts: RequestFacts) async throws -> FileRecord?

    /// Makes a file the picture of a user, or takes theirs away, as system. A picture goes with its file.
    /// - Returns: the file that was it before, where that is another one.
    /// - Throws: `.objectNotFound` when the file is none of the project.
    func setAvatar(_ id: FileID?, of subject: String, in project: BucketID, facts: RequestFacts) async throws -> FileID?

    /// As caller: what is counted of all files of a project for who acts for it; of those that are the caller's own for anybody else.
    func fileStatistics(of project: BucketID, as caller: Caller) async throws -> FileStatistics
}
