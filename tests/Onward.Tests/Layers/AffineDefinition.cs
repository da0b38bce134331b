using Onward.Layers;

namespace Onward.Tests.Layers;

/// <summary>
/// The definition of a layer, as plain loops in float64 over one example [patches, width]. Every definition is a list of terms: output o
/// of the example takes weight w times input i.
/// </summary>
/// <param name="Layer">The layer under test.</param>
/// <param name="Input">The shape of the input.</param>
/// <param name="BiasOf">The bias of channel c of patch p.</param>
/// <param name="Terms">All terms of one example; input -1 is a zero beyond the edge.</param>
public sealed record AffineDefinition(
    AffineLayer Layer, ExampleShape Input, Func<int, int, int> BiasOf, IReadOnlyList<(int Output, int Weight, int Input)> Terms)
{
    /// <summary>Patches in an example of the output.</summary>
    public int Patches { get; } = Layer.OutputOf(Input).Positions;

    // z[p,o] = sum over i of x[p,i] W[i,o]
    public static AffineDefinition Linear(int inputs, int outputs, int patches) => new(
        new Linear(inputs, outputs),
        new(1, patches, inputs),
        (_, c) => c,
        [
            .. from p in Enumerable.Range(0, patches)
               from o in Enumerable.Range(0, outputs)
               from i in Enumerable.Range(0, inputs)
               select ((p * outputs) + o, (i * outputs) + o, (p * inputs) + i),
        ]);

    // z[p,g,o] = sum over i of x[p,g,i] W[g,i,o]
    public static AffineDefinition Grouped(int groups, int size, int patches) => new(
        new GroupedLinear(groups, size),
        new(1, patches, groups * size),
        (_, c) => c,
        [
            .. from p in Enumerable.Range(0, patches)
               from g in Enumerable.Range(0, groups)
               from o in Enumerable.Range(0, size)
               from i in Enumerable.Range(0, size)
               select ((((p * groups) + g) * size) + o, (((g * size) + i) * size) + o, (((p * groups) + g) * size) + i),
        ]);

    // z[q,c] = sum over p of W[p,q] x[p,c]
    public static AffineDefinition Token(int patches, int channels) => new(
        new TokenMixing(patches, channels),
        new(1, patches, channels),
        (p, _) => p,
        [
            .. from q in Enumerable.Range(0, patches)
               from c in Enumerable.Range(0, channels)
               from p in Enumerable.Range(0, patches)
               select ((q * channels) + c, (p * patches) + q, (p * channels) + c),
        ]);

    // z[y,x,c] = sum over i, j of W[i,j,c] a[y+i-r,x+j-r,c], zeros beyond the edge
    public static AffineDefinition Convolution(int side, int kernelSide, int channels) => new(
        new DepthwiseConvolution(side, kernelSide, channels),
        new(side, side, channels),
        (_, c) => c,
        [
            .. from y in Enumerable.Range(0, side)
               from x in Enumerable.Range(0, side)
               from c in Enumerable.Range(0, channels)
               from i in Enumerable.Range(0, kernelSide)
               from j in Enumerable.Range(0, kernelSide)
               let row = y + i - (kernelSide / 2)
               let column = x + j - (kernelSide / 2)
               let inside = row >= 0 && row < side && column >= 0 && column < side
               select (
                   (((y * side) + x) * channels) + c,
                   (((i * kernelSide) + j) * channels) + c,
                   inside ? (((row * side) + column) * channels) + c : -1),
        ]);

    // z[y,x,o] = sum over i, j, c of W[i,j,c,o] a[y s + i - p, x s + j - p, c] of the same group, zeros beyond the edge
    public static AffineDefinition Conv2d(
        ExampleShape input, int outputs, int kernel, int stride = 1, int padding = 0, int groups = 1)
    {
        Conv2d layer = new(input.Channels, outputs, kernel, stride, padding, groups);
        int height = ((input.Height + (2 * padding) - kernel) / stride) + 1, width = ((input.Width + (2 * padding) - kernel) / stride) + 1;
        int ofGroup = input.Channels / groups, perGroup = outputs / groups;
        return new(
            layer.At(input),
            input,
            (_, c) => c,
            [
                .. from y in Enumerable.Range(0, height)
                   from x in Enumerable.Range(0, width)
                   from o in Enumerable.Range(0, outputs)
                   from i in Enumerable.Range(0, kernel)
                   from j in Enumerable.Range(0, kernel)
                   from c in Enumerable.Range(0, ofGroup)
                   let row = (y * stride) + i - padding
                   let column = (x * stride) + j - padding
                   let inside = row >= 0 && row < input.Height && column >= 0 && column < input.Width
                   let channel = (o / perGroup * ofGroup) + c
                   select (
                       (((y * width) + x) * outputs) + o,
                       (((((i * kernel) + j) * ofGroup) + c) * outputs) + o,
                       inside ? (((row * input.Width) + column) * input.Channels) + channel : -1),
            ]);
    }

    public double[] Apply(ReadOnlySpan<float> weight, ReadOnlySpan<float> x, int examples)
    {
        int inputs = Input.Length, outputs = Patches * Layer.Outputs;
        double[] z = new double[examples * outputs];
        for (int n = 0; n < examples; n++)
        {
            foreach ((int o, int w, int i) in Terms.Where(term => term.Input >= 0))
            {
                z[(n * outputs) + o] += (double)weight[w] * x[(n * inputs) + i];
            }
        }

        return z;
    }

    // inputGradient = A' gradient
    public double[] ApplyTranspose(ReadOnlySpan<float> weight, ReadOnlySpan<float> gradient, int examples)
    {
        int inputs = Input.Length, outputs = Patches * Layer.Outputs;
        double[] result = new double[examples * inputs];
        for (int n = 0; n < examples; n++)
        {
            foreach ((int o, int w, int i) in Terms.Where(term => term.Input >= 0))
            {
                result[(n * inputs) + i] += (double)weight[w] * gradient[(n * outputs) + o];
            }
        }

        return result;
    }

    public (double[] Weight, double[] Bias) Gradients(ReadOnlySpan<float> x, ReadOnlySpan<float> gradient, int examples)
    {
        int inputs = Input.Length, outputs = Patches * Layer.Outputs;
        double[] weight = new double[Length(Layer.WeightShape)], bias = new double[Length(Layer.BiasShape)];
        for (int n = 0; n < examples; n++)
        {
            foreach ((int o, int w, int i) in Terms.Where(term => term.Input >= 0))
            {
                weight[w] += (double)x[(n * inputs) + i] * gradient[(n * outputs) + o];
            }

            for (int o = 0; o < outputs; o++)
            {
                bias[BiasOf(o / Layer.Outputs, o % Layer.Outputs)] += gradient[(n * outputs) + o];
            }
        }

        return (weight, bias);
    }

    public static int Length(IReadOnlyList<int> shape) => shape.Aggregate(1, (product, size) => product * size);
}
