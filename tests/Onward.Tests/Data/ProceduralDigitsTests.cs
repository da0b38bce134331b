using System.Numerics.Tensors;
using Onward.Data;

namespace Onward.Tests.Data;

public sealed class ProceduralDigitsTests
{
    private const ulong Seed = 17;
    private const int Pixels = ProceduralDigits.PixelCount;
    private const int Classes = ProceduralDigits.Classes;

    [Fact]
    public void The_same_call_gives_the_same_bytes()
    {
        (byte[] pixels, byte[] labels) = ProceduralDigits.Generate(Seed, 0, 300);
        (byte[] again, byte[] labelsAgain) = ProceduralDigits.Generate(Seed, 0, 300);

        Assert.Equal(pixels, again);
        Assert.Equal(labels, labelsAgain);
    }

    [Fact]
    public void An_example_depends_on_seed_and_index_alone()
    {
        (byte[] pixels, byte[] labels) = ProceduralDigits.Generate(Seed, 1000, 300);
        byte[] image = new byte[Pixels];

        for (int i = 299; i >= 0; i--)
        {
            Array.Fill(image, (byte)99);
            ProceduralDigits.Draw(Seed, 1000 + (uint)i, image, out int label);

            Assert.Equal(labels[i], label);
            Assert.True(image.AsSpan().SequenceEqual(Image(pixels, i)), $"Example {1000 + i} differs when drawn alone.");
        }
    }

    [Fact]
    public void Generating_alone_on_one_thread_or_beside_others_gives_the_same_bytes()
    {
        (byte[] expected, _) = ProceduralDigits.Generate(Seed, 0, 200);
        byte[][] results = new byte[4][];

        Parallel.For(0, results.Length, i => results[i] = ProceduralDigits.Generate(Seed, 0, 200).Pixels);

        Assert.All(results, result => Assert.Equal(expected, result));
    }

    [Fact]
    public void Each_ten_examples_hold_each_digit_once()
    {
        (_, byte[] labels) = ProceduralDigits.Generate(Seed, 40, 500);

        Assert.All(labels.Chunk(Classes), ten => Assert.Equal(Classes, ten.Distinct().Count()));
        Assert.NotEqual(labels[..Classes], labels[Classes..(2 * Classes)]);
    }

    [Fact]
    public void Different_seeds_and_indices_give_different_images()
    {
        (byte[] pixels, _) = ProceduralDigits.Generate(Seed, 0, 200);
        (byte[] others, _) = ProceduralDigits.Generate(Seed + 1, 0, 200);
        var seen = new HashSet<string>();

        for (int i = 0; i < 200; i++)
        {
            Assert.True(seen.Add(Convert.ToBase64String(Image(pixels, i))));
            Assert.True(seen.Add(Convert.ToBase64String(Image(others, i))));
        }
    }

    [Fact]
    public void Every_image_is_mostly_background_with_some_ink()
    {
        (byte[] pixels, _) = ProceduralDigits.Generate(Seed, 0, 4000);

        for (int i = 0; i < 4000; i++)
        {
            int ink = 0;
            foreach (byte value in Image(pixels, i))
            {
                ink += value > 100 ? 1 : 0;
            }

            Assert.InRange(ink, 8, Pixels / 2);
        }

        Assert.InRange(pixels.Average(value => (double)value), 20, 40);
        Assert.Contains((byte)0, pixels);
        Assert.Contains((byte)255, pixels);
    }

    [Fact]
    public void Classes_have_distinct_mean_images()
    {
        (byte[] pixels, byte[] labels) = ProceduralDigits.Generate(Seed, 0, 2000);
        float[] means = new float[Classes * Pixels];
        for (int i = 0; i < labels.Length; i++)
        {
            for (int p = 0; p < Pixels; p++)
            {
                means[(labels[i] * Pixels) + p] += pixels[(i * Pixels) + p] / (255f * labels.Length / Classes);
            }
        }

        for (int a = 0; a < Classes; a++)
        {
            for (int b = 0; b < a; b++)
            {
                Assert.True(TensorPrimitives.Distance<float>(Image(means, a), Image(means, b)) > 1.5f, $"{a} looks like {b}.");
            }
        }
    }

    [Fact]
    public void Softmax_regression_learns_the_task_but_leaves_errors()
    {
        (float[] images, byte[] labels) = Examples(0, 8000);
        (float[] testImages, byte[] testLabels) = Examples(100_000, 2000);

        float[] weights = TrainSoftmaxRegression(images, labels, epochs: 8);
        double error = Error(testImages, testLabels, image => Highest(weights, image));

        Assert.InRange(error, 0.05, 0.20);
    }

    [Fact]
    public void The_nearest_neighbour_is_usually_the_same_digit()
    {
        (float[] images, byte[] labels) = Examples(0, 8000);
        (float[] testImages, byte[] testLabels) = Examples(100_000, 1000);

        double error = Error(testImages, testLabels, image => labels[Nearest(images, image)]);

        Assert.InRange(error, 0, 0.15);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(783)]
    [InlineData(785)]
    public void Draw_rejects_a_span_of_another_size(int length)
    {
        ArgumentException fault =
            Assert.Throws<ArgumentException>(() => ProceduralDigits.Draw(Seed, 0, new byte[length], out _));

        Assert.Contains($"holds {length}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Generate_rejects_counts_outside_the_index_range()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ProceduralDigits.Generate(Seed, 0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ProceduralDigits.Generate(Seed, uint.MaxValue, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ProceduralDigits.Generate(Seed, 0, int.MaxValue));

        Assert.Single(ProceduralDigits.Generate(Seed, uint.MaxValue, 1).Labels);
        Assert.Empty(ProceduralDigits.Generate(Seed, 0, 0).Pixels);
    }

    private static ReadOnlySpan<T> Image<T>(T[] images, int index) => images.AsSpan(index * Pixels, Pixels);

    private static (float[] Images, byte[] Labels) Examples(uint first, int count)
    {
        (byte[] pixels, byte[] labels) = ProceduralDigits.Generate(Seed, first, count);
        float[] images = new float[pixels.Length];
        TensorPrimitives.ConvertTruncating<byte, float>(pixels, images);
        TensorPrimitives.Divide(images, 255, images);
        return (images, labels);
    }

    private static double Error(float[] images, byte[] labels, Func<float[], int> classify)
    {
        int errors = 0;
        Parallel.For(0, labels.Length, i =>
        {
            if (classify(Image(images, i).ToArray()) != labels[i])
            {
                Interlocked.Increment(ref errors);
            }
        });

        return (double)errors / labels.Length;
    }

    private static float[] TrainSoftmaxRegression(float[] images, byte[] labels, int epochs)
    {
        const float LearningRate = 0.02f;
        float[] weights = new float[Classes * Pixels];
        Span<float> residual = stackalloc float[Classes];
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            float rate = LearningRate * (epochs - epoch) / epochs;
            for (int i = 0; i < labels.Length; i++)
            {
                ReadOnlySpan<float> image = Image(images, i);
                Scores(weights, image, residual);
                TensorPrimitives.SoftMax<float>(residual, residual);
                residual[labels[i]] -= 1;
                for (int c = 0; c < Classes; c++)
                {
                    Span<float> row = weights.AsSpan(c * Pixels, Pixels);
                    TensorPrimitives.MultiplyAdd(image, -rate * residual[c], row, row);
                }
            }
        }

        return weights;
    }

    private static int Highest(float[] weights, ReadOnlySpan<float> image)
    {
        Span<float> scores = stackalloc float[Classes];
        Scores(weights, image, scores);
        return TensorPrimitives.IndexOfMax<float>(scores);
    }

    private static void Scores(float[] weights, ReadOnlySpan<float> image, Span<float> scores)
    {
        for (int c = 0; c < Classes; c++)
        {
            scores[c] = TensorPrimitives.Dot(Image(weights, c), image);
        }
    }

    private static int Nearest(float[] images, ReadOnlySpan<float> image)
    {
        int nearest = 0;
        float least = float.PositiveInfinity;
        for (int i = 0; i < images.Length / Pixels; i++)
        {
            float distance = TensorPrimitives.Distance(Image(images, i), image);
            if (distance < least)
            {
                (nearest, least) = (i, distance);
            }
        }

        return nearest;
    }
}
