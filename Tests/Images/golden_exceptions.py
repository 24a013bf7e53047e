# SPDX-License-Identifier: Apache-2.0
"""Files of the corpora of which the engine and Pillow legitimately do not make the same, each with the reason."""

# What is one line of black or white pixels, made small: the engine averages two lines before its kernel comes, and Pillow does not.
_THIN = "lines of one pixel, black on white: libvips averages pairs of them before its kernel comes"
_CMYK = "CMYK without a profile: libvips takes a print profile for it, Pillow the complement"
_XMP = "an orientation in XMP: Pillow turns the picture, browsers and the engine do not"
_PLANAR = "tiles with a plane for each colour: libvips reads strips of that kind only"
_OLD_JPEG = "JPEG in TIFF as before 1995, with fewer samples for colour: libvips does not read it"
_LAB = "Lab: the engine goes by the whites of D50 and D65, Pillow takes both for the same"

DIFFERENT = {
    "10x20.pbm": _THIN,
    "7x13.png": _THIN,
    "courB08.pbm": _THIN,
    "ter-x20b-cp1250.pbm": _THIN,
    "ter-x20b-iso8859-1.pbm": _THIN,
    "ter-x20b-iso8859-2.pbm": _THIN,
    "imagedraw_ellipse_various_sizes.png": _THIN,
    "imagedraw_ellipse_various_sizes_filled.png": _THIN,
    "hopper_bad_exif.jpg": "a print screen of fine dots, which every way to make it small shows otherwise",
    "pil_sample_cmyk.jpg": _CMYK,
    "tiff_strip_cmyk_16l_jpeg.tif": _CMYK,
    "tiff_strip_cmyk_jpeg.tif": _CMYK,
    "tiff_tiled_cmyk_jpeg.tif": _CMYK,
    "xmp_tags_orientation.avif": _XMP,
    "xmp_tags_orientation.png": _XMP,
    "xmp_tags_orientation_exiftool.png": _XMP,
    "exif_imagemagick_orientation.png": "an orientation in a text of ImageMagick's own: Pillow turns the picture, browsers and the engine do not",
    "hopper.Lab.tif": _LAB,
    "lab.tif": _LAB,
    "8bit.s.tif": "signed samples: black is zero to the engine and the middle of the range to Pillow",
    "16bit.s.tif": "signed samples: black is zero to the engine and the middle of the range to Pillow",
    "i_trns.png": "one grey of 16 bits is transparent, which Pillow does not show",
    "icc_profile_big.jpg": "its profile has no relative intent, for which each library takes another one",
    "star.avifs": "a sequence: the engine shows its picture, Pillow the first of the sequence",
}

ONLY_HERE = {
    "chunk_no_fctl.png": "a broken animation behind a whole picture, which alone is read here",
    "hopper_unknown_pixel_mode.tif": "a kind of samples that Pillow has no mode for",
    "hopper_webp.tif": "WebP in TIFF, which Pillow's build leaves out",
    "png_decompression_dos.png": "a text that takes much memory: Pillow reads it, the engine skips it",
    "truncated_end_chunk.png": "nothing but the end mark is missing",
    "unknown_compression_method.png": "in a text that the engine skips",
}

ONLY_PILLOW = {
    "guitar_cw90.hif": "33 megapixels of two bytes: more than is decoded as a whole here",
    "10ct_32bit_128.tiff": "a required field is missing",
    "12bit.cropped.tif": "12 bits a sample",
    "old-style-jpeg-compression-no-samplesperpixel.tif": _OLD_JPEG,
    "old-style-jpeg-compression.tif": _OLD_JPEG,
    "separate_planar_extra_samples.tiff": "a plane is missing",
    "tiff_tiled_planar_16bit_RGB.tiff": _PLANAR,
    "tiff_tiled_planar_16bit_RGBa.tiff": _PLANAR,
    "tiff_tiled_planar_lzw.tiff": _PLANAR,
    "tiff_tiled_planar_raw.tif": _PLANAR,
    "truncated.heic": "half a file",
}
