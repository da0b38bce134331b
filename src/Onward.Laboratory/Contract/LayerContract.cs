using Onward.Kernels;
using Onward.Layers;

namespace Onward.Laboratory;

/// <summary>
/// Checks that a layer keeps the contract which training relies on: any layer of the library or of a program of your own.
/// </summary>
/// <remarks>
/// Values must be repeatable and must not depend on how rows and examples are divided among calls. The tangent must be the derivative of
/// the values, which central differences measure. The transpose must belong to the tangent: &lt;g, J v&gt; = &lt;J' g, v&gt;. The declared
/// reach must contain the measured one. Indices have no tangent, so values of a layer that takes indices
/// (<see cref="AffineLayer.TakesIndices"/>) are not differentiated. No call may allocate. Slices of an affine layer's gradient must add up
/// to the derivative with respect to the weight.
/// </remarks>
public static class LayerContract
{
    // Examples that are computed together.
    private const int Examples = 3;

    // A power of two, for which the rounding of a value of 1 and the cubic term of a smooth function are about equal.
    private const float Step = 1f / 256;

    // Slopes to both sides of a smooth function differ by its curvature times the step; slopes at an edge differ more.
    private const double Edge = 0.02;

    // Rounding of 1e-7 over the step, the cubic term, and their growth in a normalisation.
    private const double OfDifference = 2e-3;

    // Rounding of inner products of float32.
    private const double OfProduct = 1e-4;

    // Calls after which a layer is taken to allocate in every call.
    private const int MostAttempts = 100;

    // Numbers of the input that are moved to measure the reach.
    private const int MostMoved = 512;

    /// <summary>Finds the faults of a layer at drawn inputs. A layer without faults may be trained by every rule.</summary>
    /// <param name="layer">The layer: a row layer, an example layer or an affine layer.</param>
    /// <param name="input">The shape of its input.</param>
    /// <param name="seed">The seed of all inputs, directions and weights.</param>
    /// <returns>One line for each fault; empty if there is none.</returns>
    /// <exception cref="ArgumentException">The layer does not take the input, or it is made of other layers.</exception>
    public static IReadOnlyList<string> FaultsOf(Layer layer, ExampleShape input, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ExampleShape output = layer.OutputOf(input);
        List<string> faults = [];
        LayerProbe probe = layer switch
        {
            RowLayer row => new RowProbe(row, input),
            ExampleLayer example => new ExampleProbe(example, input),
            AffineLayer map => new AffineProbe(map.At(input), input, seed),
            _ => throw new ArgumentException($"{layer} has no arithmetic of its own; check the layers that it is made of.", nameof(layer)),
        };
        float[] x = DrawInput(), v = Draw(seed, 1, x.Length), g = Draw(seed, 2, Examples * output.Length);
        RequireSameBits("values", probe, (cut, to) => probe.Apply(x, to, cut), g.Length);
        RequireSameBits("tangent", probe, (cut, to) => probe.ApplyTangent(x, v, to, cut), g.Length);
        RequireSameBits("transpose", probe, (cut, to) => probe.ApplyTranspose(x, g, to, cut), x.Length);
        if (probe.Indices == 0)
        {
            RequireDerivative();
        }

        RequireTranspose();
        RequireNoAllocation();
        faults.AddRange(new ReachProbe(probe, layer, input, output).FaultsOf(x[..input.Length], MostMoved));
        faults.AddRange((probe as AffineProbe)?.FaultsOfGradient(DrawInput(), g) ?? []);
        return [.. faults.Select(fault => $"{layer} of {input}: {fault}")];

        float[] DrawInput()
        {
            float[] drawn = Draw(seed, 0, Examples * input.Length);
            return probe.Indices == 0 ? drawn : [.. drawn.Select(normal => MathF.Floor(MathF.Abs(normal) * 1000) % probe.Indices)];
        }

        void RequireSameBits(string what, LayerProbe probe, Action<Cut, float[]> compute, int length)
        {
            float[] whole = new float[length], parts = new float[length];
            compute(Cut.Whole, whole);
            foreach (Cut cut in Cut.All.Where(probe.Takes))
            {
                Array.Fill(parts, float.NaN);
                compute(cut, parts);
                int at = FirstDifference(whole, parts);
                if (at >= 0)
                {
                    faults.Add($"{what}: number {at} is {whole[at]:R} {Cut.Whole} and {parts[at]:R} {cut}.");
                }
            }
        }

        // Where the slopes to both sides differ, a function has an edge such as that of ReLU, and no derivative to compare with.
        void RequireDerivative()
        {
            float[] tangent = new float[g.Length], here = new float[g.Length], above = new float[g.Length], below = new float[g.Length];
            probe.ApplyTangent(x, v, tangent, Cut.Whole);
            probe.Apply(x, here, Cut.Whole);
            probe.Apply(Moved(x, v, Step), above, Cut.Whole);
            probe.Apply(Moved(x, v, -Step), below, Cut.Whole);
            double error = 0, norm = 0, largest = tangent.Select(Math.Abs).DefaultIfEmpty().Max();
            int worst = 0, edges = 0;
            double[] differences = new double[g.Length];
            for (int i = 0; i < g.Length; i++)
            {
                double up = ((double)above[i] - here[i]) / Step, down = ((double)here[i] - below[i]) / Step;
                differences[i] = (up + down) / 2;
                if (Math.Abs(up - down) > Edge * Math.Max(largest, Math.Abs(up)))
                {
                    edges++;
                    differences[i] = tangent[i];
                }

                worst = Math.Abs(differences[i] - tangent[i]) > Math.Abs(differences[worst] - tangent[worst]) ? i : worst;
                error += Math.Pow(differences[i] - tangent[i], 2);
                norm += Math.Pow(differences[i], 2);
            }

            if (!(Math.Sqrt(error) <= OfDifference * Math.Max(Math.Sqrt(norm), 1e-3)))
            {
                faults.Add(
                    $"tangent: it differs from central differences of the values by {Math.Sqrt(error / Math.Max(norm, 1e-30)):P2} of their "
                    + $"norm, most at number {worst}: {tangent[worst]:G6} against {differences[worst]:G6}.");
            }

            if (edges > g.Length / 4)
            {
                faults.Add($"tangent: {edges} of {g.Length} values jump or have an edge, so their derivatives cannot be checked.");
            }
        }

        // Code that the runtime has not optimised yet may allocate where optimised code does not.
        void RequireNoAllocation()
        {
            float[] y = new float[g.Length], back = new float[x.Length];
            for (int attempt = 0; attempt < MostAttempts; attempt++)
            {
                probe.Allocated = 0;
                probe.Apply(x, y, Cut.Whole);
                probe.ApplyTangent(x, v, y, Cut.Whole);
                probe.ApplyTranspose(x, g, back, Cut.Whole);
                if (probe.Allocated == 0)
                {
                    return;
                }
            }

            faults.Add($"memory: values and derivatives allocate {probe.Allocated} bytes, but a step of training allocates none.");
        }

        void RequireTranspose()
        {
            float[] tangent = new float[g.Length], back = new float[x.Length];
            probe.ApplyTangent(x, v, tangent, Cut.Whole);
            probe.ApplyTranspose(x, g, back, Cut.Whole);
            double forward = Inner(g, tangent), backward = Inner(back, v), size = Norm(g) * Norm(tangent);
            if (!(Math.Abs(forward - backward) <= OfProduct * Math.Max(size, 1e-6)))
            {
                faults.Add($"transpose: <g, J v> is {forward:G6}, but <J' g, v> is {backward:G6}.");
            }
        }
    }

    internal static float[] Draw(ulong seed, uint what, int length)
    {
        float[] numbers = new float[length];
        CounterRandom.Normals(new RandomStream(seed, RandomPurpose.Data, Layer: what), 0, numbers);
        return numbers;
    }

    internal static int FirstDifference(ReadOnlySpan<float> one, ReadOnlySpan<float> other)
    {
        for (int i = 0; i < one.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(one[i]) != BitConverter.SingleToInt32Bits(other[i]))
            {
                return i;
            }
        }

        return -1;
    }

    internal static double Inner(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            sum += (double)x[i] * y[i];
        }

        return sum;
    }

    internal static double Norm(ReadOnlySpan<float> x) => Math.Sqrt(Inner(x, x));

    private static float[] Moved(float[] x, float[] v, float step) => [.. x.Zip(v, (value, direction) => value + (step * direction))];
}
