using System.Numerics.Tensors;
using Onward.Autodiff;
using Onward.Layers;
using Onward.Models;
using Onward.Tests.Layers;

namespace Onward.Tests.Networks;

/// <summary>
/// A network in float64 by <see cref="ForwardSweep{T}"/>, from the description of its layers alone: each layer is written out as a function
/// of tensors, and shares no code with the engine.
/// </summary>
internal sealed class NetworkOracle(AnyNetwork network)
{
    private readonly Dictionary<string, Tensor<double>> _parameters = network.Model.Values.Layout.Parameters.ToDictionary(
        parameter => parameter.Name,
        parameter => Tensor.Create(
            Numbers.Widen(network.Model.Values[parameter].ToArray()), [.. parameter.Shape.Select(size => (nint)size)]));

    private static int Examples => AnyNetwork.Images;

    /// <summary>The exact gradients of the final head's loss, or of all local losses together with it.</summary>
    public IReadOnlyDictionary<string, double[]> Gradients(bool local, bool throughBlocks = false)
    {
        GradientEstimate<double> estimate = new BackpropagationEstimator<double>().Estimate(
            _parameters, sweep => Loss(sweep, local, throughBlocks), step: 0);
        return estimate.Estimates.ToDictionary(pair => pair.Key, pair => ToArray(pair.Value));
    }

    /// <summary>The logits of the readout for the batch [examples, classes], or [examples, positions, classes] of tokens.</summary>
    public double[] Logits() => ToArray(ForwardMode.Evaluate(sweep => Readout(sweep, Run(sweep, (_, x) => x)), _parameters));

    private static double[] ToArray(Tensor<double> tensor)
    {
        double[] values = new double[tensor.FlattenedLength];
        tensor.FlattenTo(values);
        return values;
    }

    private DualTensor<double> Loss(ForwardSweep<double> sweep, bool local, bool throughBlocks)
    {
        DualTensor<double>? sum = null;
        DualTensor<double> output = Run(sweep, (block, x) =>
        {
            if (!local)
            {
                return x;
            }

            DualTensor<double> features = block.Description.FeatureNorm is LayerNorm norm ? Normalise(x, norm.Size, norm.Epsilon) : x;
            DualTensor<double> loss = CrossEntropy(
                sweep.Affine(Pooled(features), block.Head.Weight.Name, block.Head.Bias.Name));
            if (throughBlocks)
            {
                sum = sum is null ? loss : sum + loss;
                return x;
            }

            return sweep.EndBlock(x, loss);
        });
        DualTensor<double> final = CrossEntropy(Readout(sweep, throughBlocks ? output.StopGradient() : output));
        return sum is null ? final : sum + final;
    }

    private DualTensor<double> Readout(ForwardSweep<double> sweep, DualTensor<double> output)
    {
        DualTensor<double> pooled = Pooled(output).LayerNorm(network.Model.Settings.Epsilon);
        return sweep.Affine(pooled, network.Model.Readout.Weight.Name, network.Model.Readout.Bias.Name);
    }

    private DualTensor<double> Pooled(DualTensor<double> rows) => network.Model.Settings.PredictsNextToken ? rows : rows.Mean([1]);

    // The mean over the tokens of an example.
    private DualTensor<double> CrossEntropy(DualTensor<double> logits) =>
        -logits.Reshape(network.Labels.Length, AnyNetwork.Classes).LogSoftmax(-1).Pick(network.Labels)
            .Reshape(Examples, network.Model.HeadRows).Mean([1]);

    // Values are [example, position, channel].
    private DualTensor<double> Run(ForwardSweep<double> sweep, Func<NetworkBlock, DualTensor<double>, DualTensor<double>> end)
    {
        ExampleShape shape = network.Model.Input;
        DualTensor<double> x = DualTensor.Constant<double>(
            Numbers.Widen(network.Pixels), Examples, shape.Positions, shape.Channels);
        foreach (NetworkBlock block in network.Model.Blocks)
        {
            x = end(block, Apply(sweep, block.Description.Layers, x, ref shape, new Queue<NetworkLayer>(block.Layers)));
        }

        return x;
    }

    private static DualTensor<double> Apply(
        ForwardSweep<double> sweep,
        IReadOnlyList<Layer> layers,
        DualTensor<double> x,
        ref ExampleShape shape,
        Queue<NetworkLayer> parameters)
    {
        foreach (Layer layer in layers)
        {
            ExampleShape output = layer.OutputOf(shape);
            if (layer is Residual residual)
            {
                DualTensor<double>[] copies = [.. Enumerable.Repeat(x, output.Channels / shape.Channels)];
                x = Apply(sweep, residual.Layers, x, ref shape, parameters) + DualTensor.Concatenate<double>(2, copies);
            }
            else
            {
                x = layer is AffineLayer map ? Apply(sweep, map, x, shape, parameters.Dequeue()) : Apply(layer, x, shape, output);
            }

            shape = output;
        }

        return x;
    }

    private static DualTensor<double> Apply(Layer layer, DualTensor<double> x, ExampleShape shape, ExampleShape output) => layer switch
    {
        LayerNorm norm => Normalise(x, norm.Size, norm.Epsilon),
        Relu => x.Relu(),
        RmsNorm norm => RootNormalise(x, norm.Size, norm.Epsilon),
        GroupNorm norm => GroupNormalise(x, norm.Groups, norm.Epsilon),
        Gelu gelu => x * (gelu.Approximation == GeluApproximation.None ? NormalShare(x) : TanhShare(x)),
        Silu => x * x.Sigmoid(),
        Flatten => x.Reshape(Examples, 1, output.Channels),
        MaxPool2d pooling => Largest(x, pooling, shape, output),
        Attention attention => Attend(x, attention.Heads, attention.Causal),
        ExampleLayer linear => x.Reshape(Examples, shape.Length)
            .MatMul(MatrixOf(linear, shape, output)).Reshape(Examples, output.Positions, output.Channels),
        _ => throw new NotSupportedException(layer.ToString()),
    };

    private static DualTensor<double> Apply(
        ForwardSweep<double> sweep, AffineLayer map, DualTensor<double> x, ExampleShape shape, NetworkLayer layer)
    {
        DualTensor<double> weight = sweep[layer.Weight.Name], bias = sweep[layer.Bias.Name];
        switch (map)
        {
            case Linear { Positions: > 0 }:
                return x.MatMul(weight) + bias;
            case Linear:
                return sweep.Affine(x, layer.Weight.Name, layer.Bias.Name);
            case Embedding: // the linear layer of one-hot rows
                return OneHot(x, map.WeightShape[0]).MatMul(weight) + bias;
            case GroupedLinear:
                int size = map.Inputs / map.Groups;
                DualTensor<double>[] groups =
                [
                    .. Enumerable.Range(0, map.Groups).Select(
                        g => x.Slice(2, g * size, size).MatMul(weight.Select(0, g)) + bias.Select(0, g)),
                ];
                return DualTensor.Concatenate<double>(2, groups);
            case TokenMixing:
                return (x.Permute(0, 2, 1).MatMul(weight) + bias).Permute(0, 2, 1);
            case Conv2d convolution:
                return Convolve(x, weight, convolution, shape) + bias;
            case DepthwiseConvolution convolution:
                int kernel = map.WeightShape[0];
                DualTensor<double>? sum = null;
                for (int place = 0; place < kernel * kernel; place++)
                {
                    DualTensor<double> shifted = x.Permute(0, 2, 1)
                        .MatMul(Shift(convolution.Side, (place / kernel) - (kernel / 2), (place % kernel) - (kernel / 2))).Permute(0, 2, 1);
                    DualTensor<double> term = shifted * weight.Select(0, place / kernel).Select(0, place % kernel);
                    sum = sum is null ? term : sum + term;
                }

                return sum! + bias;
            default:
                throw new NotSupportedException(map.ToString());
        }
    }

    private static DualTensor<double> OneHot(DualTensor<double> indices, int count) => DualTensor.Constant<double>(
        [.. indices.Values.ToArray().SelectMany(index => Enumerable.Range(0, count).Select(i => i == index ? 1.0 : 0))],
        Examples,
        indices.Shape[1],
        count);

    // Place by place of the kernel and group by group: the positions that meet the place, times the matrix of the place.
    private static DualTensor<double> Convolve(DualTensor<double> x, DualTensor<double> weight, Conv2d layer, ExampleShape shape)
    {
        int kernel = layer.KernelSize, groups = layer.ChannelGroups;
        int inputs = layer.Inputs / groups, outputs = layer.Outputs / groups;
        DualTensor<double>? sum = null;
        for (int place = 0; place < kernel * kernel; place++)
        {
            DualTensor<double> met = x.Permute(0, 2, 1).MatMul(Meeting(layer, shape, place / kernel, place % kernel)).Permute(0, 2, 1);
            DualTensor<double> matrix = weight.Select(0, place / kernel).Select(0, place % kernel);
            DualTensor<double>[] parts =
            [
                .. Enumerable.Range(0, groups).Select(
                    g => met.Slice(2, g * inputs, inputs).MatMul(matrix.Slice(1, g * outputs, outputs))),
            ];
            DualTensor<double> term = DualTensor.Concatenate<double>(2, parts);
            sum = sum is null ? term : sum + term;
        }

        return sum!;
    }

    // [positions, windows]: 1 where a place of the kernel meets a position.
    private static DualTensor<double> Meeting(Conv2d layer, ExampleShape shape, int i, int j)
    {
        ExampleShape output = layer.OutputOf(shape);
        double[] matrix = new double[shape.Positions * output.Positions];
        for (int window = 0; window < output.Positions; window++)
        {
            int row = (window / output.Width * layer.Stride) + i - layer.Padding;
            int column = (window % output.Width * layer.Stride) + j - layer.Padding;
            if (row >= 0 && row < shape.Height && column >= 0 && column < shape.Width)
            {
                matrix[(((row * shape.Width) + column) * output.Positions) + window] = 1;
            }
        }

        return DualTensor.Constant<double>(matrix, shape.Positions, output.Positions);
    }

    private static DualTensor<double> Normalise(DualTensor<double> x, int size, float epsilon)
    {
        int positions = x.Shape[1], channels = x.Shape[2];
        return x.Reshape(Examples, positions, channels / size, size).LayerNorm(epsilon).Reshape(Examples, positions, channels);
    }

    private static DualTensor<double> Largest(DualTensor<double> x, MaxPool2d layer, ExampleShape shape, ExampleShape output)
    {
        DualTensor<double>[] windows =
        [
            .. Enumerable.Range(0, output.Positions).Select(window =>
            {
                int top = (window / output.Width * layer.Stride) - layer.Padding;
                int left = (window % output.Width * layer.Stride) - layer.Padding;
                DualTensor<double>[] places =
                [
                    .. from row in Enumerable.Range(top, layer.KernelSize)
                       from column in Enumerable.Range(left, layer.KernelSize)
                       where row >= 0 && row < shape.Height && column >= 0 && column < shape.Width
                       select x.Slice(1, (row * shape.Width) + column, 1),
                ];
                return DualTensor.Concatenate<double>(1, places).Max(1, keep: true);
            }),
        ];
        return DualTensor.Concatenate<double>(1, windows);
    }

    private static DualTensor<double> Attend(DualTensor<double> x, int heads, bool causal)
    {
        int positions = x.Shape[1], channels = x.Shape[2] / 3, width = channels / heads;
        double[] later = new double[positions * positions];
        for (int i = 0; causal && i < positions; i++)
        {
            later.AsSpan((i * positions) + i + 1, positions - i - 1).Fill(-1e9);
        }

        DualTensor<double> mask = DualTensor.Constant<double>(later, positions, positions);
        DualTensor<double>[] outputs =
        [
            .. Enumerable.Range(0, heads).Select(h =>
            {
                DualTensor<double> queries = Part(0, h), keys = Part(1, h), values = Part(2, h);
                return ((queries.MatMul(keys.Permute(0, 2, 1)) * (1 / Math.Sqrt(width))) + mask).Softmax(-1).MatMul(values);
            }),
        ];
        return DualTensor.Concatenate<double>(2, outputs);

        DualTensor<double> Part(int part, int h) => x.Slice(2, (part * channels) + (h * width), width);
    }

    private static DualTensor<double> RootNormalise(DualTensor<double> x, int size, float epsilon)
    {
        DualTensor<double> runs = x.Reshape(Examples, x.Shape[1], x.Shape[2] / size, size);
        return (runs / (runs.Square().Mean([3], keep: true) + (double)epsilon).Sqrt()).Reshape(x.Shape);
    }

    private static DualTensor<double> GroupNormalise(DualTensor<double> x, int groups, float epsilon)
    {
        int positions = x.Shape[1], channels = x.Shape[2];
        return x.Permute(0, 2, 1).Reshape(Examples, groups, positions * channels / groups).LayerNorm(epsilon)
            .Reshape(Examples, channels, positions).Permute(0, 2, 1);
    }

    // P(x) = 1/2 + x / sqrt(2 pi) times the integral of exp(-x^2 t^2 / 2) over t from 0 to 1, by Simpson's rule.
    private static DualTensor<double> NormalShare(DualTensor<double> x)
    {
        const int Parts = 200;
        DualTensor<double> exponent = x.Square() * -0.5;
        DualTensor<double> integral = x * 0.0 + (1.0 / (3 * Parts));
        for (int i = 1; i <= Parts; i++)
        {
            double t = (double)i / Parts, weight = i == Parts ? 1 : i % 2 == 1 ? 4 : 2;
            integral += (exponent * (t * t)).Exp() * (weight / (3 * Parts));
        }

        return (x * integral * (1 / Math.Sqrt(2 * Math.PI))) + 0.5;
    }

    private static DualTensor<double> TanhShare(DualTensor<double> x) =>
        (((x + (x * x * x * 0.044715)) * Math.Sqrt(2 / Math.PI)).Tanh() + 1.0) * 0.5;

    // The matrix of a linear example layer: what it makes of each unit image.
    private static DualTensor<double> MatrixOf(ExampleLayer layer, ExampleShape input, ExampleShape output)
    {
        float[] units = new float[input.Length * input.Length], results = new float[input.Length * output.Length];
        for (int i = 0; i < input.Length; i++)
        {
            units[(i * input.Length) + i] = 1;
        }

        layer.Apply(input, units, results);
        return DualTensor.Constant<double>(Numbers.Widen(results), input.Length, output.Length);
    }

    // result[y, x] = value[y + dy, x + dx], 0 beyond the edge.
    private static DualTensor<double> Shift(int side, int dy, int dx)
    {
        double[] matrix = new double[side * side * side * side];
        for (int y = Math.Max(0, -dy); y < Math.Min(side, side - dy); y++)
        {
            for (int x = Math.Max(0, -dx); x < Math.Min(side, side - dx); x++)
            {
                matrix[((((y + dy) * side) + x + dx) * side * side) + (y * side) + x] = 1;
            }
        }

        return DualTensor.Constant<double>(matrix, side * side, side * side);
    }
}
