using System.Numerics.Tensors;
using Onward.Autodiff;
using Onward.Layers;
using Onward.Models;

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

    /// <summary>The logits of the readout for the batch [examples, classes].</summary>
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
                sweep.Affine(features.Mean([1]), block.Head.Weight.Name, block.Head.Bias.Name));
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
        DualTensor<double> pooled = output.Mean([1]).LayerNorm(network.Model.Settings.Epsilon);
        return sweep.Affine(pooled, network.Model.Readout.Weight.Name, network.Model.Readout.Bias.Name);
    }

    private DualTensor<double> CrossEntropy(DualTensor<double> logits) => -logits.LogSoftmax(-1).Pick(network.Labels);

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
        Silu => x * x.Sigmoid(),
        Flatten => x.Reshape(Examples, 1, output.Channels),
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
            case Linear:
                return sweep.Affine(x, layer.Weight.Name, layer.Bias.Name);
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

    private static DualTensor<double> Normalise(DualTensor<double> x, int size, float epsilon)
    {
        int positions = x.Shape[1], channels = x.Shape[2];
        return x.Reshape(Examples, positions, channels / size, size).LayerNorm(epsilon).Reshape(Examples, positions, channels);
    }

    // The matrix of a linear example layer: what it makes of each unit image.
    private static DualTensor<double> MatrixOf(ExampleLayer layer, ExampleShape input, ExampleShape output)
    {
        float[] units = new float[input.Length * input.Length], results = new float[input.Length * output.Length];
        for (int i = 0; i < input.Length; i++)
        {
            units[(i * input.Length) + i] = 1;
        }

        layer.Apply(units, results);
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
