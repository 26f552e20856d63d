"""What other tools call our layers and arguments: for suggestions only, never accepted."""

SYNONYMS = {
    "linear": "dense", "fc": "dense", "fully_connected": "dense", "fullyconnected": "dense", "innerproduct": "dense",
    "conv1d": "conv", "conv2d": "conv", "conv3d": "conv", "convolution": "conv", "convolution2d": "conv",
    "convtranspose": "upconv", "convtranspose2d": "upconv", "conv_transpose": "upconv", "deconv": "upconv",
    "transposedconv": "upconv", "conv2dtranspose": "upconv", "maxpool1d": "maxpool", "maxpool2d": "maxpool",
    "maxpool3d": "maxpool", "max_pool": "maxpool", "maxpooling2d": "maxpool", "avgpool1d": "avgpool",
    "avgpool2d": "avgpool", "avgpool3d": "avgpool", "avg_pool": "avgpool", "averagepool": "avgpool",
    "averagepooling2d": "avgpool", "meanpool": "avgpool", "gap": "globalavgpool",
    "globalaveragepool": "globalavgpool", "global_avg_pool": "globalavgpool", "adaptiveavgpool2d": "adaptiveavgpool",
    "adaptivemaxpool2d": "adaptivemaxpool", "bn": "batchnorm", "batchnorm1d": "batchnorm", "batchnorm2d": "batchnorm",
    "batchnorm3d": "batchnorm", "batch_norm": "batchnorm", "batchnormalization": "batchnorm", "ln": "layernorm",
    "layer_norm": "layernorm", "gn": "groupnorm", "group_norm": "groupnorm", "localresponsenorm": "lrn",
    "dropout2d": "dropout", "drop": "dropout", "swish": "silu", "leaky_relu": "leakyrelu", "lrelu": "leakyrelu",
    "hswish": "hardswish", "hsigmoid": "hardsigmoid", "log_softmax": "logsoftmax", "cat": "concat",
    "concatenate": "concat", "sum": "add", "plus": "add", "multiply": "mul", "subtract": "sub", "average": "mean",
    "view": "reshape", "transpose": "permute", "embed": "embedding", "interpolate": "upsample",
    "upsampling2d": "upsample", "resize": "upsample", "pixel_shuffle": "pixelshuffle", "zeropad2d": "pad",
    "multiheadattention": "attention", "multihead_attention": "attention", "mha": "attention",
    "self_attention": "attention", "selfattention": "attention", "cross_attention": "attention",
    "positional_encoding": "position", "positionalencoding": "position", "pos_embed": "position",
    "moe": "experts", "mixture": "experts", "mixture_of_experts": "experts", "sparsemoe": "experts",
    "relative_bias": "relativebias", "relativeposition": "relativebias", "relative_position": "relativebias",
    "relative_attention_bias": "relativebias", "relativepositionbias": "relativebias",
    "residual": "basic", "resblock": "basic",
}  # fmt: skip

ARGUMENT_SYNONYMS = {
    "kernel": "k", "kernel_size": "k", "kernelsize": "k", "kernel_shape": "k", "window": "k", "pool_size": "k",
    "ksize": "k", "filters": "out", "channels": "out", "out_channels": "out", "features": "out",
    "out_features": "out", "units": "out", "width": "out", "padding": "pad", "pads": "pad",
    "padding_mode": "pad_mode", "strides": "stride", "rate": "p", "prob": "p", "dilation_rate": "dilation",
    "dilations": "dilation", "num_groups": "groups", "group": "groups", "dim": "axis", "epsilon": "eps",
    "use_bias": "bias", "ceil_mode": "ceil", "count_include_pad": "count_pad", "output_padding": "output_pad",
    "scale_factor": "scale", "output_size": "size", "negative_slope": "slope", "num_embeddings": "count",
    "num_heads": "heads", "nhead": "heads", "n_heads": "heads", "num_kv_heads": "kv_heads", "is_causal": "causal",
    "num_experts": "experts", "n_experts": "experts", "num_local_experts": "experts", "top_k": "top", "topk": "top",
    "num_experts_per_tok": "top", "intermediate_size": "hidden", "ffn_dim": "hidden", "norm_topk_prob": "normalised",
}  # fmt: skip

WORD_SYNONYMS = {"True": "true", "False": "false", "yes": "true", "no": "false", "on": "true", "off": "false"}
