using Onward.Data;
using Onward.Layers;
using Onward.Models;

namespace Onward.Onnx;

/// <summary>Converts a network to an ONNX graph: the blocks in order, each computed as <see cref="MixerBlock"/> does.</summary>
/// <remarks>
/// Symbols: N images (free), P patches, D channels, G groups, C channels of a group. Between layers, a value is [N, P, D].
/// Every parameter of the network is an initializer with its own name and shape. If an operator needs another order of axes,
/// the graph transposes the parameter. A runtime does this once, when it loads the file.
/// </remarks>
internal sealed class NetworkGraph
{
    private readonly GraphBuilder _graph = new();
    private readonly LocalMixer _model;
    private readonly LocalMixerOptions _options;
    private readonly Dictionary<int, string> _ones = []; // initializers of ones by size

    private NetworkGraph(LocalMixer model) => (_model, _options) = (model, model.Options);

    /// <summary>Builds the graph of a network, including its outputs.</summary>
    internal static GraphBuilder Of(LocalMixer model, ImageDescription images)
    {
        NetworkGraph network = new(model);
        network.Write(images);
        return network._graph;
    }

    private void Write(ImageDescription images)
    {
        int side = _options.ImageSide;
        _graph.Declare(
            OnnxFile.Input,
            isInput: true,
            "Images row by row, channels last, intensities from 0 to 255 as decoded; the graph standardises them.",
            side,
            side,
            _options.ImageChannels);
        foreach (Parameter parameter in _model.Values.Layout.Parameters)
        {
            _graph.Numbers(parameter.Name, parameter.Shape, _model.Values[parameter]);
        }

        string x = Patches(Standardised(images)); // [N, P, patch vector]
        List<string> heads = [];
        foreach (MixerBlock block in _model.Blocks)
        {
            x = Run(block, block.InputPooling is GridPooling pooling ? Pooled(x, pooling, block) : x);
            string features = Normalised(x, block.Channels, block.FeatureNorm, block.Patches);
            heads.Add(Head(block.Head, Mean(features)));
        }

        string final = Mean(x); // [N, D]
        string projection = _model.Projector is null ? "" : Head(_model.Projector, final);
        if (_options.Normalizations.HasFlag(Normalizations.Last))
        {
            final = Normalised(final, _model.Readout.Features);
        }

        string logits = Head(_model.Readout, final);
        Output(OnnxFile.Probabilities, _graph.Node("Softmax", [logits], ("axis", 1)), "Probability of each class.", _options.Classes);
        Output(OnnxFile.Logits, logits, "Logits of the classes.", _options.Classes);
        for (int k = 0; k < heads.Count; k++)
        {
            string meaning = _options.IsSelfSupervised
                ? $"Projection of block {k}, by which images are compared."
                : $"Logits of the classes, of the head of block {k}.";
            Output(OnnxFile.HeadOutput(k, _options.IsSelfSupervised), heads[k], meaning, _options.HeadOutputs);
        }

        if (_model.Projector is not null)
        {
            Output(OnnxFile.Projection, projection, "Projection of the network, by which images are compared.", _options.Projection);
        }
    }

    private void Output(string name, string value, string meaning, int size)
    {
        _graph.Name(value, name);
        _graph.Declare(name, isInput: false, meaning, size);
    }

    // (v / 255 - mean) / deviation as one product and one sum, as in BatchLoader.
    private string Standardised(ImageDescription images)
    {
        float[] scale = [.. images.StandardDeviation.Select(deviation => (float)(1 / (255.0 * deviation)))];
        float[] shift = [.. images.Mean.Zip(images.StandardDeviation, (mean, deviation) => -mean / deviation)];
        string scaled = _graph.Node("Mul", [OnnxFile.Input, _graph.Numbers("image.scale", [scale.Length], scale)]);
        return _graph.Node("Add", [scaled, _graph.Numbers("image.shift", [shift.Length], shift)]);
    }

    // Cuts an image into patches, row by row, each (row, column, channel). If patches do not fit, the image's edge is repeated.
    private string Patches(string image)
    {
        int patchSide = _options.PatchSide, patches = _options.PatchesPerSide;
        int missing = (patchSide * patches) - _options.ImageSide, before = missing / 2;
        if (missing > 0)
        {
            image = _graph.Node(
                "Pad", [image, _graph.Whole("margins", 0, before, before, 0, 0, missing - before, missing - before, 0)], ("mode", "edge"));
        }

        string cut = Shaped(image, patches, patchSide, patches, patchSide, _options.ImageChannels);
        string turned = Turned(cut, 0, 1, 3, 2, 4, 5);
        return Shaped(turned, _options.Patches, _options.PatchVector);
    }

    private string Run(MixerBlock block, string x)
    {
        string h = x;
        foreach (MixerLayer layer in block.Layers)
        {
            bool isLast = layer == block.Layers[^1];
            string normalised = Normalised(h, layer.Map.Inputs, layer.InputNorm, block.Patches);
            h = Normalised(Applied(layer, block, normalised), layer.Map.Outputs, layer.OutputNorm, block.Patches);
            if (isLast && block.HasResidual)
            {
                h = _graph.Node("Add", [h, Repeated(x, block.Channels / block.Inputs)]);
            }

            h = _graph.Node("Relu", [h]);
        }

        return h;
    }

    private string Applied(MixerLayer layer, MixerBlock block, string x)
    {
        string weight = layer.Weight.Name, bias = layer.Bias.Name;
        switch (layer.Map)
        {
            case Linear:
                return _graph.Node("Add", [_graph.Node("MatMul", [x, weight]), bias]);

            case TokenMixing: // z[q, c] = sum over p of W[p, q] x[p, c] + b[q]
                string turned = Turned(weight, 1, 0);
                string column = _graph.Node("Unsqueeze", [bias, _graph.Whole("axis", 1)]);
                return _graph.Node("Add", [_graph.Node("MatMul", [turned, x]), column]);

            case GroupedLinear: // all rows of a group together: [G, N P, C] times [G, C, C]
                string rows = _graph.Node("Reshape", [x, _graph.Whole("shape", -1, block.Groups, block.ChannelsPerGroup)]);
                string groups = _graph.Node("MatMul", [Swapped(rows), weight]);
                return Rows(_graph.Node("Add", [Swapped(groups), bias]), block.Patches, block.Channels);

            case DepthwiseConvolution: // W [k, k, D] becomes [D, 1, k, k]
                int kernel = layer.Weight.Shape[0], reach = kernel / 2;
                string first = Turned(weight, 2, 0, 1);
                string filters = _graph.Node("Unsqueeze", [first, _graph.Whole("axis", 1)]);
                string planes = Planes(x, _options.PatchesPerSideOf(block.Index), block.Inputs);
                string mixed = _graph.Node(
                    "Conv",
                    [planes, filters, bias],
                    ("group", block.Inputs),
                    ("kernel_shape", List(kernel, kernel)),
                    ("pads", List(reach, reach, reach, reach)));
                return FromPlanes(mixed, block.Patches, block.Inputs);

            default:
                throw new NotSupportedException($"No ONNX operator is known for {layer.Map.GetType().Name}.");
        }

        string Swapped(string value) => Turned(value, 1, 0, 2);
    }

    private string Pooled(string x, GridPooling pooling, MixerBlock block)
    {
        int side = _options.PatchesPerSideOf(block.Index - 1), stride = _options.Downsample[block.Index - 1];
        int missing = Math.Max(0, ((pooling.OutputSide - 1) * stride) + GridPooling.Window - side);
        int before = missing / 2, after = missing - before;
        (string, object)[] window =
        [
            ("kernel_shape", List(GridPooling.Window, GridPooling.Window)),
            ("strides", List(stride, stride)),
            ("pads", List(before, before, after, after)),
        ];
        string planes = Planes(x, side, block.Inputs);
        string pooled = _options.Pooling == PatchPooling.Average
            ? _graph.Node("AveragePool", [planes], [.. window, ("count_include_pad", 0)])
            : _graph.Node("MaxPool", [planes], window);
        return FromPlanes(pooled, block.Patches, block.Inputs);
    }

    private string Head(LinearHead head, string features) => _graph.Node("Gemm", [features, head.Weight.Name, head.Bias.Name]);

    // Averages over the patches: [N, P, D] becomes [N, D].
    private string Mean(string x) => _graph.Node("ReduceMean", [x], ("axes", List(1)), ("keepdims", 0));

    // Normalises groups of size channels each. Size 0 means no normalisation.
    private string Normalised(string x, int width, int size, int patches) => size == 0 ? x
        : size == width ? Normalised(x, size)
        : Rows(Normalised(_graph.Node("Reshape", [x, _graph.Whole("shape", -1, width / size, size)]), size), patches, width);

    private string Normalised(string x, int size)
    {
        if (!_ones.TryGetValue(size, out string? ones))
        {
            float[] scale = new float[size];
            Array.Fill(scale, 1);
            _ones[size] = ones = _graph.Numbers($"ones.{size}", [size], scale);
        }

        // Normalises the last axis, which is the operator's default.
        return _graph.Node("LayerNormalization", [x, ones], ("epsilon", _options.Epsilon));
    }

    private string Repeated(string x, int times) => times == 1 ? x : _graph.Node("Concat", [.. Enumerable.Repeat(x, times)], ("axis", 2));

    // Converts [N, P, D] to [N, D, side, side]; FromPlanes converts back.
    private string Planes(string x, int side, int channels) => Turned(Shaped(x, side, side, channels), 0, 3, 1, 2);

    private string FromPlanes(string planes, int patches, int channels) =>
        Shaped(Turned(planes, 0, 2, 3, 1), patches, channels);

    // Reorders the axes.
    private string Turned(string x, params int[] order) => _graph.Node("Transpose", [x], ("perm", order));

    private static int[] List(params int[] numbers) => numbers;

    // Changes the shape of each image's part.
    private string Shaped(string x, params long[] sizes) => _graph.Node("Reshape", [x, _graph.Whole("shape", [0, .. sizes])]);

    // Reshapes the rows of all images, [N P, ...], to [N, P, D].
    private string Rows(string x, int patches, int channels) => _graph.Node("Reshape", [x, _graph.Whole("shape", -1, patches, channels)]);
}
