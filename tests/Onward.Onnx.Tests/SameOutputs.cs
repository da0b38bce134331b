using Onward.Data;
using Onward.Kernels;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

namespace Onward.Onnx.Tests;

/// <summary>Compares the outputs of a network in ONNX Runtime with those of the library.</summary>
internal static class SameOutputs
{
    public static void Require(Network model, ImageDescription images, Onnx onnx, int examples, int first)
    {
        int length = model.Input.Length;
        float[] pixels = [.. Bytes(examples * length, first)];
        if (model.TakesIndices)
        {
            pixels = [.. pixels.Select(number => number % model.Blocks[0].Layers[0].Weight.Shape[0])];
        }

        IReadOnlyDictionary<string, float[]> outputs = model.TakesIndices
            ? onnx.Run([.. pixels.Select(number => (long)number)], [examples, length])
            : onnx.Run(pixels, [examples, model.Input.Height, model.Input.Width, model.Input.Channels]);

        Dictionary<string, List<float>> expected = Expected(model, images, pixels, length);
        Assert.Equal(expected.Keys.Order(), outputs.Keys.Order());
        foreach ((string name, float[] values) in outputs)
        {
            Assert.Equal(expected[name].Count, values.Length);
            float size = Math.Max(1, expected[name].Max(Math.Abs));
            double worst = values.Zip(expected[name], (one, other) => Math.Abs(one - other)).Max() / size;
            Assert.True(worst <= 1e-5, $"{name} differs by {worst:g3} of {size:g3}");
            Assert.True(name == "probabilities" || values.Distinct().Count() > values.Length / 2, $"{name} is constant");
        }
    }

    // Computes the outputs with this library, head by head.
    private static Dictionary<string, List<float>> Expected(Network model, ImageDescription images, float[] pixels, int length)
    {
        ForwardPass pass = new(model);
        Dictionary<string, List<float>> expected = [];
        float[] image = new float[length];
        for (int start = 0; start < pixels.Length; start += length)
        {
            for (int i = 0; i < length; i++)
            {
                int channel = i % model.Input.Channels;
                image[i] = model.TakesIndices
                    ? pixels[start + i]
                    : ((pixels[start + i] / 255) - images.Mean[channel]) / images.StandardDeviation[channel];
            }

            pass.Run(image, 1, block =>
            {
                Read($"block_{block.Index}_{(model.IsSelfSupervised ? "projection" : "logits")}", block.Head, pass.Pooled);
                if (model.Projector is not null && block.Index == model.Blocks.Count - 1)
                {
                    Read("projection", model.Projector, Mean(pass, block)); // what no normalisation came before
                }

                return true;
            });
            Read("logits", model.Readout, pass.Features);
            float[] probabilities = new float[model.HeadRows * model.Classes];
            new Predictor(model).Predict(image, probabilities);
            Add("probabilities", probabilities);
        }

        return expected;

        void Read(string name, LinearHead head, ReadOnlySpan<float> features)
        {
            float[] outputs = new float[model.HeadRows * head.Outputs];
            head.Apply(model.Values, features[..(model.HeadRows * head.Features)], outputs, model.HeadRows);
            Add(name, outputs);
        }

        void Add(string name, float[] values)
        {
            expected.TryAdd(name, []);
            expected[name].AddRange(values);
        }
    }

    // The mean of the block's output over patches.
    private static float[] Mean(ForwardPass pass, NetworkBlock block)
    {
        float[] mean = new float[block.Channels];
        block.Pool(pass.Output(block)[..(block.Patches * block.Channels)], mean);
        return mean;
    }

    // Fills all parameters with random numbers, including those that are initialised to 0.
    public static Network Draw(Network model)
    {
        foreach (Parameter parameter in model.Values.Layout.Parameters)
        {
            int fanIn = parameter.Name.Contains(".conv.", StringComparison.Ordinal)
                ? parameter.Shape[0] * parameter.Shape[0]
                : parameter.Shape[^Math.Min(2, parameter.Shape.Count)];
            float scale = parameter.IsMatrix ? 1 / MathF.Sqrt(fanIn) : 0.1f;
            Span<float> values = model.Values[parameter];
            CounterRandom.Normals(new RandomStream(7, RandomPurpose.Initialization, Example: (uint)parameter.Offset), 0, values);
            System.Numerics.Tensors.TensorPrimitives.Multiply(values, scale, values);
        }

        using WorkerTeam team = new(1);
        model.Pack(team);
        return model;
    }

    private static IEnumerable<float> Bytes(int count, int first = 0)
    {
        float[] normals = new float[count];
        CounterRandom.Normals(new RandomStream(3, RandomPurpose.Data, Example: (uint)first), 0, normals);
        return normals.Select(normal => Math.Clamp(MathF.Round(128 + (60 * normal)), 0, 255));
    }
}
