"""The part of TFLite's schema (version 3) that picture models need, in the order of the slots.

Source: tensorflow/compiler/mlir/lite/schema/schema.fbs. Maintained by hand, because the schema
contains fields that picture models do not use, and those must be refused.
"""

from __future__ import annotations

from edgeiqa.inference.verifier.flatbuffer import Field as F  # noqa: N817 - a table of a hundred of them
from edgeiqa.inference.verifier.flatbuffer import Schema

IDENTIFIER = b"TFL3"
VERSION = 3

_ACTIVATION = F("fused_activation_function", "i8", 0)
_ARITHMETIC = (_ACTIVATION, F("pot_scale_int16", "bool", 1))
_STRIDES = (F("padding", "i8", 0), F("stride_w", "i32", 0), F("stride_h", "i32", 0))

SCHEMA: Schema = {
    "Model": (
        F("version", "u32", 0),
        F("operator_codes", "[OperatorCode]", []),
        F("subgraphs", "[SubGraph]", []),
        F("description", "text", ""),
        F("buffers", "[Buffer]", []),
        F("metadata_buffer", "[i32]"),
        F("metadata", "[Metadata]", []),
        F("signature_defs", "[SignatureDef]", []),
    ),
    "OperatorCode": (
        F("deprecated_builtin_code", "i8", 0),
        F("custom_code", "text", ""),
        F("version", "i32", 1),
        F("builtin_code", "i32", 0),
    ),
    "SubGraph": (
        F("tensors", "[Tensor]", []),
        F("inputs", "[i32]"),
        F("outputs", "[i32]"),
        F("operators", "[Operator]", []),
        F("name", "text", ""),
        F("debug_metadata_index", "i32", -1),
    ),
    "Tensor": (
        F("shape", "[i32]"),
        F("type", "i8", 0),
        F("buffer", "u32", 0),
        F("name", "text", ""),
        F("quantization", "QuantizationParameters"),
        F("is_variable", "bool", 0),
        F("sparsity", "refused"),
        F("shape_signature", "[i32]"),
        F("has_rank", "bool", 0),
        F("variant_tensors", "refused"),
        F("external_buffer", "u32", 0),
    ),
    "QuantizationParameters": (
        F("min", "[f32]"),
        F("max", "[f32]"),
        F("scale", "[f32]"),
        F("zero_point", "[i64]"),
        F("details_type", "u8", 0),
        F("details", "refused"),
        F("quantized_dimension", "i32", 0),
    ),
    "Operator": (
        F("opcode_index", "u32", 0),
        F("inputs", "[i32]"),
        F("outputs", "[i32]"),
        F("builtin_options_type", "u8", 0),
        F("builtin_options", "?"),  # The table depends on the operator.
        F("custom_options", "refused"),
        F("custom_options_format", "i8", 0),
        F("mutating_variable_inputs", "[bool]"),
        F("intermediates", "[i32]"),
        F("large_custom_options_offset", "u64", 0),
        F("large_custom_options_size", "u64", 0),
        F("builtin_options_2_type", "u8", 0),
        F("builtin_options_2", "refused"),
        F("debug_metadata_index", "i32", -1),
    ),
    "Buffer": (F("data", "[u8]"), F("offset", "u64", 0), F("size", "u64", 0)),
    "Metadata": (F("name", "text", ""), F("buffer", "u32", 0)),
    "TensorMap": (F("name", "text", ""), F("tensor_index", "u32", 0)),
    "SignatureDef": (
        F("inputs", "[TensorMap]", []),
        F("outputs", "[TensorMap]", []),
        F("signature_key", "text", ""),
        F("(deprecated)", "refused"),
        F("subgraph_index", "u32", 0),
    ),
    # Options of operators.
    "NoOptions": (),
    "Conv2DOptions": (
        *_STRIDES,
        _ACTIVATION,
        F("dilation_w_factor", "i32", 1),
        F("dilation_h_factor", "i32", 1),
        F("quantized_bias_type", "i8", 0),
    ),
    "DepthwiseConv2DOptions": (
        *_STRIDES,
        F("depth_multiplier", "i32", 0),
        _ACTIVATION,
        F("dilation_w_factor", "i32", 1),
        F("dilation_h_factor", "i32", 1),
    ),
    "TransposeConvOptions": (
        *_STRIDES,
        _ACTIVATION,
        F("quantized_bias_type", "i8", 0),
    ),
    "Pool2DOptions": (
        *_STRIDES,
        F("filter_width", "i32", 0),
        F("filter_height", "i32", 0),
        _ACTIVATION,
    ),
    "FullyConnectedOptions": (
        _ACTIVATION,
        F("weights_format", "i8", 0),
        F("keep_num_dims", "bool", 0),
        F("asymmetric_quantize_inputs", "bool", 0),
        F("quantized_bias_type", "i8", 0),
    ),
    "SoftmaxOptions": (F("beta", "f32", 0.0),),
    "ConcatenationOptions": (F("axis", "i32", 0), _ACTIVATION),
    "AddOptions": _ARITHMETIC,
    "SubOptions": _ARITHMETIC,
    "MulOptions": (_ACTIVATION,),
    "DivOptions": (_ACTIVATION,),
    "L2NormOptions": (_ACTIVATION,),
    "ReshapeOptions": (F("new_shape", "[i32]"),),
    "ResizeBilinearOptions": (
        F("(deprecated)", "refused"),
        F("(deprecated)", "refused"),
        F("align_corners", "bool", 0),
        F("half_pixel_centers", "bool", 0),
    ),
    "ResizeNearestNeighborOptions": (
        F("align_corners", "bool", 0),
        F("half_pixel_centers", "bool", 0),
    ),
    "SpaceToDepthOptions": (F("block_size", "i32", 0),),
    "DepthToSpaceOptions": (F("block_size", "i32", 0),),
    "GatherOptions": (F("axis", "i32", 0), F("batch_dims", "i32", 0)),
    "ReducerOptions": (F("keep_dims", "bool", 0),),
    "SqueezeOptions": (F("squeeze_dims", "[i32]"),),
    "SplitOptions": (F("num_splits", "i32", 0),),
    "StridedSliceOptions": (
        F("begin_mask", "i32", 0),
        F("end_mask", "i32", 0),
        F("ellipsis_mask", "i32", 0),
        F("new_axis_mask", "i32", 0),
        F("shrink_axis_mask", "i32", 0),
        F("offset", "bool", 0),
    ),
    "CastOptions": (F("in_data_type", "i8", 0), F("out_data_type", "i8", 0)),
    "PackOptions": (F("values_count", "i32", 0), F("axis", "i32", 0)),
    "UnpackOptions": (F("num", "i32", 0), F("axis", "i32", 0)),
    "LeakyReluOptions": (F("alpha", "f32", 0.0),),
    "MirrorPadOptions": (F("mode", "i8", 0),),
    "BatchMatMulOptions": (
        F("adj_x", "bool", 0),
        F("adj_y", "bool", 0),
        F("asymmetric_quantize_inputs", "bool", 0),
    ),
    "GeluOptions": (F("approximate", "bool", 0),),
}

TYPES = {
    0: ("float32", 4),
    1: ("float16", 2),
    2: ("int32", 4),
    3: ("uint8", 1),
    4: ("int64", 8),
    6: ("bool", 1),
    7: ("int16", 2),
    9: ("int8", 1),
}
"""Name and size in bytes of each tensor type, by number; others are refused."""
