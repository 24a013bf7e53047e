// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension ComputeFrontend {
    /// What is documented of this dialect. Both mounts have the same routes.
    public static let description = APIDescription(
        name: "compute", title: "Compute image storage", summary: "Images by their paths, with FastAPI's errors.",
        routes: ComputeRoute.mounts.flatMap(routes))

    private static func routes(at mount: String) -> [APIRoute] {
        let image = mount + "/{path}"
        return [
            APIRoute(
                .get, mount, "compute.image.list", "Lists paths in the order of their bytes.",
                parameters: [
                    .init("prefix", .text, "What the paths begin with."),
                    .init("limit", .bounded(ComputeListQuery.limits, otherwise: ComputeListQuery.usualLimit)),
                ], answers: [.init("200", "The paths.", .json(.list(.text))), refused, invalid]),
            APIRoute(
                .get, image, "compute.image.get", "Reads an image, or says where a CDN serves it.", needsToken: false,
                answers: [
                    .init("200", "The image.", .bytes), .init("206", "A range of it.", .bytes),
                    .init("302", "Where it is served."), .init("304", "The reader has it."), refused,
                ]),
            APIRoute(
                .head, image, "compute.image.exists", "Says whether there is an image.", needsToken: false,
                answers: [.init("200", "There is."), .init("4XX", "There is none, or not for this caller.")]),
            APIRoute(
                .post, image, "compute.image.save", "Saves an image, in the place of one that is there.",
                body: [.form(file: "file")],
                answers: [
                    .init("200", "It is saved.", .json(.object([("path", .text), ("url", .text)], required: ["path", "url"]))),
                    refused, invalid,
                ]),
            APIRoute(
                .delete, image, "compute.image.delete", "Deletes an image.",
                answers: [
                    .init(
                        "200", "It is gone.",
                        .json(.object([("deleted", .boolean), ("path", .text)], required: ["deleted", "path"]))),
                    refused,
                ]),
        ]
    }

    private static let refused = APIRoute.Answer(
        "4XX", "Why not.", .json(.object([("detail", .anything)], required: ["detail"])))

    private static let invalid = APIRoute.Answer(
        "422", "What is wrong with the request.",
        .json(
            .object(
                [
                    (
                        "detail",
                        .list(
                            .object(
                                [("loc", .list(.anything)), ("msg", .text), ("type", .text), ("input", .anything)],
                                required: ["loc", "msg", "type"]))
                    )
                ], required: ["detail"])))
}
