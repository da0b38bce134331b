using Onward.Data;
using Onward.Layers;
using Onward.Models;

namespace Onward.Onnx;

/// <summary>Converts a network to an ONNX graph: the blocks in order, layer by layer.</summary>
/// <remarks>
/// Symbols: N images (free), P positions, D channels, G groups, C channels of a group. Between layers, a value is [N, P, D].
/// Every parameter of the network is an initializer with its own name and shape. If an operator needs another order of axes,
/// the graph transposes the parameter. A runtime does this once, when it loads the file.
/// </remarks>
internal sealed class NetworkGraph
{
    private readonly GraphBuilder _graph = new();
    private readonly Network _model;
    private readonly Dictionary<int, string> _ones = []; // initializers of ones by size

    private NetworkGraph(Network model) => _model = model;

    /// <summary>Builds the graph of a network, including its outputs.</summary>
    internal static GraphBuilder Of(Network model, ImageDescription images)
    {
        NetworkGraph network = new(model);
        network.Write(images);
        return network._graph;
    }

    private void Write(ImageDescription images)
    {
        foreach (Parameter parameter in _model.Values.Layout.Parameters)
        {
            _graph.Numbers(parameter.Name, parameter.Shape, _model.Values[parameter]);
        }

        string x = _model.TakesIndices ? Tokens() : Images(images);
        List<string> heads = [];
        foreach (NetworkBlock block in _model.Blocks)
        {
            x = Run(block, block.Description.Layers, x, block.Input, new Queue<NetworkLayer>(block.Layers));
            string features = block.Description.FeatureNorm is LayerNorm norm ? Normalised(x, norm, block.Output) : x;
            heads.Add(Head(block.Head, Pooled(features)));
        }

        string final = Pooled(x);
        string projection = _model.Projector is null ? "" : Head(_model.Projector, final);
        if (_model.Settings.NormalizesReadout)
        {
            final = Normalised(final, _model.Readout.Features, _model.Settings.Epsilon);
        }

        string logits = Head(_model.Readout, final);
        string probabilities = _graph.Node("Softmax", [logits], ("axis", _model.Settings.PredictsNextToken ? 2 : 1));
        Output(OnnxFile.Probabilities, probabilities, "Probability of each class.", _model.Classes);
        Output(OnnxFile.Logits, logits, "Logits of the classes.", _model.Classes);
        for (int k = 0; k < heads.Count; k++)
        {
            string meaning = _model.IsSelfSupervised
                ? $"Projection of block {k}, by which images are compared."
                : $"Logits of the classes, of the head of block {k}.";
            Output(OnnxFile.HeadOutput(k, _model.IsSelfSupervised), heads[k], meaning, _model.HeadOutputs);
        }

        if (_model.Projector is not null)
        {
            Output(OnnxFile.Projection, projection, "Projection of the network, by which images are compared.", _model.Projection);
        }
    }

    private string Tokens()
    {
        _graph.DeclareIndices(OnnxFile.Tokens, "The index of each position's token.", _model.Input.Positions);
        return OnnxFile.Tokens;
    }

    private string Images(ImageDescription images)
    {
        _graph.Declare(
            OnnxFile.Input,
            isInput: true,
            "Images row by row, channels last, intensities from 0 to 255 as decoded; the graph standardises them.",
            _model.Input.Height,
            _model.Input.Width,
            _model.Input.Channels);
        string x = Standardised(images); // [N, height, width, channels]
        return _model.Blocks[0].Description.Layers is [ImagePatches, ..] ? x : Shaped(x, _model.Input.Positions, _model.Input.Channels);
    }

    private void Output(string name, string value, string meaning, int size)
    {
        _graph.Name(value, name);
        _graph.Declare(
            name, isInput: false, meaning, _model.Settings.PredictsNextToken ? List(_model.HeadRows, size) : List(size));
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
    private string Patches(string image, ImagePatches cut, ExampleShape output)
    {
        int patchSide = cut.PatchSide, patches = cut.PatchesPerSide;
        int missing = (patchSide * patches) - cut.Image.Height, before = missing / 2;
        if (missing > 0)
        {
            image = _graph.Node(
                "Pad", [image, _graph.Whole("margins", 0, before, before, 0, 0, missing - before, missing - before, 0)], ("mode", "edge"));
        }

        string pieces = Shaped(image, patches, patchSide, patches, patchSide, cut.Image.Channels);
        return Shaped(Turned(pieces, 0, 1, 3, 2, 4, 5), output.Positions, output.Channels);
    }

    private string Run(NetworkBlock block, IReadOnlyList<Layer> layers, string x, ExampleShape shape, Queue<NetworkLayer> affine)
    {
        foreach (Layer layer in layers)
        {
            ExampleShape output = layer.OutputOf(shape);
            x = layer switch
            {
                Residual residual => _graph.Node(
                    "Add", [Run(block, residual.Layers, x, shape, affine), Repeated(x, output.Channels / shape.Channels)]),
                AffineLayer => Applied(affine.Dequeue(), shape, output, x),
                LayerNorm norm => Normalised(x, norm, output),
                RmsNorm norm => RootNormalised(x, norm, output),
                GroupNorm norm => GroupNormalised(x, norm, output),
                Relu => _graph.Node("Relu", [x]),
                Gelu gelu => Gaussian(x, gelu.Approximation),
                Dropout => x, // predictions drop nothing
                Silu => _graph.Node("Mul", [x, _graph.Node("Sigmoid", [x])]),
                Flatten => Shaped(x, 1, output.Channels),
                ImagePatches cut => Patches(x, cut, output),
                GridPooling pooling => Pooled(x, pooling, shape, output),
                Pool2d pooling => Pooled(x, pooling, shape, output),
                Attention attention => Attended(x, attention, output),
                _ => throw new NotSupportedException($"No ONNX operator is known for {layer}."),
            };
            shape = output;
        }

        return x;
    }

    private string Applied(NetworkLayer layer, ExampleShape input, ExampleShape shape, string x)
    {
        string weight = layer.Weight.Name, bias = layer.Bias.Name;
        switch (layer.Map)
        {
            case Linear:
                return _graph.Node("Add", [_graph.Node("MatMul", [x, weight]), bias]);

            case Embedding: // of the tokens [N, P]
                return _graph.Node("Add", [_graph.Node("Gather", [weight, x], ("axis", 0)), bias]);

            case TokenMixing: // z[q, c] = sum over p of W[p, q] x[p, c] + b[q]
                string turned = Turned(weight, 1, 0);
                string column = _graph.Node("Unsqueeze", [bias, _graph.Whole("axis", 1)]);
                return _graph.Node("Add", [_graph.Node("MatMul", [turned, x]), column]);

            case GroupedLinear map: // all rows of a group together: [G, N P, C] times [G, C, C]
                string rows = _graph.Node("Reshape", [x, _graph.Whole("shape", -1, map.Groups, map.Inputs / map.Groups)]);
                string groups = _graph.Node("MatMul", [Swapped(rows), weight]);
                return Rows(_graph.Node("Add", [Swapped(groups), bias]), shape.Positions, shape.Channels);

            case Conv2d map: // W [k, k, inputs, outputs] becomes [outputs, inputs, k, k]
                int side = map.KernelSize;
                string convolved = _graph.Node(
                    "Conv",
                    [Planes(x, input), Turned(weight, 3, 2, 0, 1), bias],
                    ("group", map.ChannelGroups),
                    ("kernel_shape", List(side, side)),
                    ("strides", List(map.Stride, map.Stride)),
                    ("pads", Four(map.Padding)));
                return FromPlanes(convolved, shape);

            case DepthwiseConvolution map: // W [k, k, D] becomes [D, 1, k, k]
                int kernel = layer.Weight.Shape[0], reach = kernel / 2;
                string first = Turned(weight, 2, 0, 1);
                string filters = _graph.Node("Unsqueeze", [first, _graph.Whole("axis", 1)]);
                string planes = Planes(x, input);
                string mixed = _graph.Node(
                    "Conv",
                    [planes, filters, bias],
                    ("group", map.Inputs),
                    ("kernel_shape", List(kernel, kernel)),
                    ("pads", List(reach, reach, reach, reach)));
                return FromPlanes(mixed, shape);

            default:
                throw new NotSupportedException($"No ONNX operator is known for {layer.Map}.");
        }

        string Swapped(string value) => Turned(value, 1, 0, 2);
    }

    private string Pooled(string x, GridPooling pooling, ExampleShape shape, ExampleShape output)
    {
        int stride = pooling.Stride, missing = Math.Max(0, ((pooling.OutputSide - 1) * stride) + GridPooling.Window - pooling.Side);
        int before = missing / 2, after = missing - before;
        return pooling.Kind == PatchPooling.Average
            ? Pooled("AveragePool", x, GridPooling.Window, stride, [before, before, after, after], shape, output, ("count_include_pad", 0))
            : Pooled("MaxPool", x, GridPooling.Window, stride, [before, before, after, after], shape, output);
    }

    private string Pooled(string x, Pool2d pooling, ExampleShape shape, ExampleShape output)
    {
        int padding = pooling.Padding;
        return pooling is AvgPool2d
            ? Pooled("AveragePool", x, pooling.KernelSize, pooling.Stride, Four(padding), shape, output, ("count_include_pad", 1))
            : Pooled("MaxPool", x, pooling.KernelSize, pooling.Stride, Four(padding), shape, output);
    }

    private string Pooled(
        string kind,
        string x,
        int window,
        int stride,
        int[] pads,
        ExampleShape shape,
        ExampleShape output,
        params (string Name, object Value)[] more) => FromPlanes(
        _graph.Node(
            kind,
            [Planes(x, shape)],
            [("kernel_shape", List(window, window)), ("strides", List(stride, stride)), ("pads", pads), .. more]),
        output);

    private static int[] Four(int padding) => [padding, padding, padding, padding];

    // Queries, keys and values [N, 3, heads, P, C / heads].
    private string Attended(string x, Attention attention, ExampleShape shape)
    {
        int width = shape.Channels / attention.Heads;
        string parts = Turned(Shaped(x, shape.Positions, 3, attention.Heads, width), 0, 2, 3, 1, 4);
        string scores = _graph.Node("MatMul", [Part(0), Turned(Part(1), 0, 1, 3, 2)]);
        scores = _graph.Node("Mul", [scores, Number(1 / MathF.Sqrt(width))]);
        if (attention.Causal)
        {
            float[] later = new float[shape.Positions * shape.Positions];
            for (int i = 0; i < shape.Positions; i++)
            {
                later.AsSpan((i * shape.Positions) + i + 1, shape.Positions - i - 1).Fill(float.MinValue / 2);
            }

            scores = _graph.Node("Add", [scores, _graph.Numbers(_graph.Unique("later"), [shape.Positions, shape.Positions], later)]);
        }

        string mixed = _graph.Node("MatMul", [_graph.Node("Softmax", [scores], ("axis", 3)), Part(2)]);
        return Shaped(Turned(mixed, 0, 2, 1, 3), shape.Positions, shape.Channels);

        string Part(int part) => _graph.Node(
            "Squeeze",
            [
                _graph.Node(
                    "Slice", [parts, _graph.Whole("start", part), _graph.Whole("end", part + 1), _graph.Whole("axis", 1)]),
                _graph.Whole("axis", 1),
            ]);
    }

    private string Head(LinearHead head, string features) => _model.Settings.PredictsNextToken
        ? _graph.Node("Add", [_graph.Node("MatMul", [features, head.Weight.Name]), head.Bias.Name])
        : _graph.Node("Gemm", [features, head.Weight.Name, head.Bias.Name]);

    // Averages over the patches: [N, P, D] becomes [N, D]. A head that predicts tokens reads every position.
    private string Pooled(string x) => _model.Settings.PredictsNextToken
        ? x
        : _graph.Node("ReduceMean", [x], ("axes", List(1)), ("keepdims", 0));

    // Normalises runs of channels.
    private string Normalised(string x, LayerNorm norm, ExampleShape shape) => norm.Size == shape.Channels
        ? Normalised(x, norm.Size, norm.Epsilon)
        : Rows(
            Normalised(
                _graph.Node("Reshape", [x, _graph.Whole("shape", -1, shape.Channels / norm.Size, norm.Size)]), norm.Size, norm.Epsilon),
            shape.Positions,
            shape.Channels);

    private string Normalised(string x, int size, float epsilon)
    {
        if (!_ones.TryGetValue(size, out string? ones))
        {
            float[] scale = new float[size];
            Array.Fill(scale, 1);
            _ones[size] = ones = _graph.Numbers($"ones.{size}", [size], scale);
        }

        // Normalises the last axis, which is the operator's default.
        return _graph.Node("LayerNormalization", [x, ones], ("epsilon", epsilon));
    }

    // x / sqrt(mean(x^2) + epsilon) of runs of channels.
    private string RootNormalised(string x, RmsNorm norm, ExampleShape shape)
    {
        string runs = _graph.Node("Reshape", [x, _graph.Whole("shape", -1, shape.Channels / norm.Size, norm.Size)]);
        string square = _graph.Node("ReduceMean", [_graph.Node("Mul", [runs, runs])], ("axes", List(2)), ("keepdims", 1));
        string root = _graph.Node("Sqrt", [_graph.Node("Add", [square, Number(norm.Epsilon)])]);
        return Rows(_graph.Node("Div", [runs, root]), shape.Positions, shape.Channels);
    }

    // Groups over all positions are the channels of an instance normalisation [N, G, C P].
    private string GroupNormalised(string x, GroupNorm norm, ExampleShape shape)
    {
        string groups = Shaped(Turned(x, 0, 2, 1), norm.Groups, -1);
        float[] ones = new float[norm.Groups];
        Array.Fill(ones, 1);
        string scale = _graph.Numbers(_graph.Unique("scale"), [norm.Groups], ones);
        string shift = _graph.Numbers(_graph.Unique("shift"), [norm.Groups], new float[norm.Groups]);
        string normal = _graph.Node("InstanceNormalization", [groups, scale, shift], ("epsilon", norm.Epsilon));
        return Turned(Shaped(normal, shape.Channels, shape.Positions), 0, 2, 1);
    }

    // x P(x).
    private string Gaussian(string x, GeluApproximation approximation)
    {
        string odd;
        if (approximation == GeluApproximation.None)
        {
            odd = _graph.Node("Erf", [_graph.Node("Mul", [x, Number(MathF.Sqrt(0.5f))])]);
        }
        else
        {
            string cube = _graph.Node("Mul", [_graph.Node("Mul", [x, x]), x]);
            string inner = _graph.Node("Add", [x, _graph.Node("Mul", [cube, Number(0.044715f)])]);
            odd = _graph.Node("Tanh", [_graph.Node("Mul", [inner, Number(MathF.Sqrt(2 / MathF.PI))])]);
        }

        return _graph.Node("Mul", [x, _graph.Node("Mul", [_graph.Node("Add", [odd, Number(1)]), Number(0.5f)])]);
    }

    private string Number(float value) => _graph.Numbers(_graph.Unique("number"), [], [value]);

    private string Repeated(string x, int times) => times == 1 ? x : _graph.Node("Concat", [.. Enumerable.Repeat(x, times)], ("axis", 2));

    // Converts [N, P, D] to [N, D, height, width]; FromPlanes converts back.
    private string Planes(string x, ExampleShape shape) => Turned(Shaped(x, shape.Height, shape.Width, shape.Channels), 0, 3, 1, 2);

    private string FromPlanes(string planes, ExampleShape shape) =>
        Shaped(Turned(planes, 0, 2, 3, 1), shape.Positions, shape.Channels);

    // Reorders the axes.
    private string Turned(string x, params int[] order) => _graph.Node("Transpose", [x], ("perm", order));

    private static int[] List(params int[] numbers) => numbers;

    // Changes the shape of each image's part.
    private string Shaped(string x, params long[] sizes) => _graph.Node("Reshape", [x, _graph.Whole("shape", [0, .. sizes])]);

    // Reshapes the rows of all images, [N P, ...], to [N, P, D].
    private string Rows(string x, int patches, int channels) => _graph.Node("Reshape", [x, _graph.Whole("shape", -1, patches, channels)]);
}
