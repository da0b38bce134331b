using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using Onward.Kernels;

namespace Onward.Tests.Kernels;

public sealed class PointwiseTests
{
    // Tells a process of its own how many bits its vectors must have.
    private const string ExpectedBits = "ONWARD_TEST_VECTOR_BITS";

    private const int Lanes = 16;

    private delegate void Kernel<T>(ReadOnlySpan<T> x, Span<T> y);

    private static readonly Dictionary<string, (
        Kernel<float> Float, Kernel<double> Double, Func<double, double> Exact, double Units)> Functions = new()
        {
            ["exp"] = (Pointwise.Exp, Pointwise.Exp, Math.Exp, 1),
            ["log"] = (Pointwise.Log, Pointwise.Log, Math.Log, 1),
            ["tanh"] = (Pointwise.Tanh, Pointwise.Tanh, Math.Tanh, 3),
            ["sigmoid"] = (Pointwise.Sigmoid, Pointwise.Sigmoid, x => x < 0 ? Math.Exp(x) / (1 + Math.Exp(x)) : 1 / (1 + Math.Exp(-x)), 3),
        };

    public static IEnumerable<TheoryDataRow<string>> Names() => Functions.Keys.Select(name => new TheoryDataRow<string>(name));

    // In one lane and in all of them.
    [Theory]
    [InlineData("exp", 0, 1)]
    [InlineData("exp", 1e-30, 1)]
    [InlineData("exp", -1e-30, 1)]
    [InlineData("exp", double.NegativeInfinity, 0)]
    [InlineData("exp", double.PositiveInfinity, double.PositiveInfinity)]
    [InlineData("exp", double.NaN, double.NaN)]
    [InlineData("exp", -1e30, 0)]
    [InlineData("exp", 1e30, double.PositiveInfinity)]
    [InlineData("log", 1, 0)]
    [InlineData("log", 0, double.NegativeInfinity)]
    [InlineData("log", double.PositiveInfinity, double.PositiveInfinity)]
    [InlineData("log", -1e-30, double.NaN)]
    [InlineData("log", double.NegativeInfinity, double.NaN)]
    [InlineData("log", double.NaN, double.NaN)]
    [InlineData("tanh", 0, 0)]
    [InlineData("tanh", 1e-30, 1e-30)]
    [InlineData("tanh", -1e-30, -1e-30)]
    [InlineData("tanh", 30, 1)]
    [InlineData("tanh", -30, -1)]
    [InlineData("tanh", double.PositiveInfinity, 1)]
    [InlineData("tanh", double.NegativeInfinity, -1)]
    [InlineData("tanh", double.NaN, double.NaN)]
    [InlineData("sigmoid", 0, 0.5)]
    [InlineData("sigmoid", 40, 1)]
    [InlineData("sigmoid", double.PositiveInfinity, 1)]
    [InlineData("sigmoid", double.NegativeInfinity, 0)]
    [InlineData("sigmoid", -1e30, 0)]
    [InlineData("sigmoid", double.NaN, double.NaN)]
    public void Ends_are_exact(string name, double x, double expected)
    {
        foreach (int length in (int[])[1, 3, 4, Lanes, 2 * Lanes])
        {
            Assert.All(Of(name, Enumerable.Repeat((float)x, length)), y => Assert.Equal(Bits((float)expected), Bits(y)));
            double[] doubles = new double[length];
            Functions[name].Double([.. Enumerable.Repeat(x, length)], doubles);
            Assert.All(
                doubles, y => Require(y.Equals(expected) && double.IsNegative(y) == double.IsNegative(expected), name, x, y, expected));
        }
    }

    [Fact]
    public void Negative_zero_is_zero_and_keeps_its_sign_where_it_has_one()
    {
        Assert.Equal(1, Of("exp", [-0f])[0]);
        Assert.Equal(float.NegativeInfinity, Of("log", [-0f])[0]);
        Assert.Equal(Bits(-0f), Bits(Of("tanh", [-0f])[0]));
        Assert.Equal(0.5f, Of("sigmoid", [-0f])[0]);
    }

    // Every 8191st float there is, of both signs, subnormals included: near each end and everywhere between.
    [Theory]
    [MemberData(nameof(Names))]
    public void Floats_meet_float64_within_units_of_the_last_place(string name)
    {
        const int Step = 8191;
        const double SmallestUnit = 1.401298464324817e-45;
        float[] x = new float[4096];
        for (long first = 0; first < 1L << 32; first += x.Length * (long)Step)
        {
            for (int i = 0; i < x.Length; i++)
            {
                x[i] = BitConverter.UInt32BitsToSingle((uint)(first + (i * (long)Step)));
            }

            float[] y = Of(name, x);
            for (int i = 0; i < x.Length; i++)
            {
                double exact = Functions[name].Exact(x[i]);
                float rounded = (float)exact;
                if (!float.IsFinite(rounded) || rounded == 0)
                {
                    Require(Bits(rounded) == Bits(y[i]), name, x[i], y[i], rounded);
                    continue;
                }

                double unit = Math.Max(Math.ScaleB(1, Math.ILogB(exact) - 23), SmallestUnit);
                Require(Math.Abs(y[i] - exact) <= Functions[name].Units * unit, name, x[i], y[i], exact);
            }
        }
    }

    // The library's own function is off by up to a unit, too.
    [Theory]
    [InlineData("exp", -744, 709.7)]
    [InlineData("log", 1e-300, 10)]
    [InlineData("log", 0.99, 1.01)]
    [InlineData("tanh", -20, 20)]
    [InlineData("tanh", -1e-5, 1e-5)]
    [InlineData("sigmoid", -700, 40)]
    public void Doubles_meet_the_library_within_units_of_the_last_place(string name, double least, double most)
    {
        const int Count = 100_000;
        double[] x = [.. Enumerable.Range(0, Count).Select(i => least + ((most - least) * i / Count))], y = new double[Count];

        Functions[name].Double(x, y);

        for (int i = 0; i < Count; i++)
        {
            double exact = Functions[name].Exact(x[i]), unit = Math.BitIncrement(Math.Abs(exact)) - Math.Abs(exact);
            Require(Math.Abs(y[i] - exact) <= (Functions[name].Units + 1) * unit, name, x[i], y[i], exact);
        }
    }

    [Fact]
    public void Limits_are_never_passed()
    {
        float[] x = [.. Numbers.Uniform(3, 10_000).Select(v => v * v * v * 20), .. Enumerable.Range(-50, 101).Select(i => i / 50f * 1e-7f)];

        Assert.All(
            x.Zip(Of("exp", x)), pair => Require(pair.First < 0 ? pair.Second <= 1 : pair.Second >= 1, "exp", pair.First, pair.Second, 1));
        Assert.All(Of("tanh", x), y => Assert.InRange(y, -1, 1));
        Assert.All(Of("sigmoid", x), y => Assert.InRange(y, 0, 1));
        Assert.All(Of("log", x.Select(v => 1 + Math.Abs(v))), y => Assert.True(y >= 0));
    }

    // The number stands at every place of spans of every length up to some vectors.
    [Theory]
    [MemberData(nameof(Names))]
    public void Results_depend_on_neither_the_place_nor_the_length(string name)
    {
        float[] x = [.. Numbers.Uniform(5, 3 * Lanes).Select(v => Math.Abs(8 * v))];
        float[] alone = [.. x.Select(v => Of(name, [v])[0])];
        for (int first = 0; first < x.Length; first++)
        {
            for (int length = 1; first + length <= x.Length; length++)
            {
                Tolerance.Same(alone.AsSpan(first, length), Of(name, x[first..(first + length)]), name);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Results_may_take_the_place_of_the_numbers(string name)
    {
        float[] x = [.. Numbers.Uniform(5, 37).Select(v => Math.Abs(v))], expected = Of(name, x);

        Functions[name].Float(x, x);

        Tolerance.Same(expected, x, name);
        Assert.Throws<ArgumentException>(() => Functions[name].Float(new float[3], new float[4]));
    }

    // One sum for every machine there is: what these functions and the softmax on them come to.
    [Fact]
    public void Bits_are_those_of_record()
    {
        if (Environment.GetEnvironmentVariable(ExpectedBits) is string expected)
        {
            int bits = Vector512.IsHardwareAccelerated
                ? 512
                : Vector256.IsHardwareAccelerated ? 256
                : Vector128.IsHardwareAccelerated ? 128
                : 0;
            Assert.Equal(expected, $"{bits}");
        }

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        float[] x = [.. Enumerable.Range(0, 1 << 16).Select(i => BitConverter.Int32BitsToSingle(i * 65521))];
        double[] wide = [.. x.Select(v => v * (1 + (v / 3.0)))];
        foreach (string name in Functions.Keys.Order(StringComparer.Ordinal))
        {
            hash.AppendData(MemoryMarshal.AsBytes<int>([.. Of(name, x).Select(Bits)]));
            double[] y = new double[wide.Length];
            Functions[name].Double(wide, y);
            hash.AppendData(MemoryMarshal.AsBytes<long>([.. y.Select(v => double.IsNaN(v) ? -1 : BitConverter.DoubleToInt64Bits(v))]));
        }

        foreach (int classes in (int[])[2, 3, 10, 16, 17, 100])
        {
            float[] error = new float[classes];
            float loss = SoftmaxCrossEntropy.Evaluate([.. Numbers.Uniform(classes, classes).Select(v => 30 * v)], classes / 2, error);
            hash.AppendData(MemoryMarshal.AsBytes<float>([loss, .. error]));
        }

        Assert.Equal("f8fbe93f1b0557885fe5da2cce0717d9", Convert.ToHexStringLower(hash.GetHashAndReset())[..32]);
    }

    [Theory]
    [InlineData(256, "EnableAVX512", "EnableAVX512F")]
    [InlineData(128, "EnableAVX2", "EnableAVX")]
    [InlineData(0, "EnableHWIntrinsic")]
    public void Bits_are_the_same_whatever_the_width_of_vectors(int bits, params string[] disabled)
    {
        int most = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;
        Assert.SkipUnless(bits < most, $"Vectors of this machine have {most} bits.");
        ProcessStartInfo start = new(
            Path.Combine(AppContext.BaseDirectory, "Onward.Tests"), ["-method", $"*.{nameof(Bits_are_those_of_record)}"])
        {
            RedirectStandardOutput = true,
        };
        start.Environment[ExpectedBits] = $"{bits}";
        foreach (string feature in disabled)
        {
            start.Environment[$"DOTNET_{feature}"] = "0";
        }

        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        Assert.True(process.ExitCode == 0 && output.Contains("Total: 1", StringComparison.Ordinal), output);
    }

    private static float[] Of(string name, IEnumerable<float> x)
    {
        float[] numbers = [.. x], y = new float[numbers.Length];
        Functions[name].Float(numbers, y);
        return y;
    }

    // Formats a message where there is something to tell.
    private static void Require(bool holds, string name, double x, double y, double expected)
    {
        if (!holds)
        {
            Assert.Fail($"{name} {x:R} is {y:R} instead of {expected:R}");
        }
    }

    // What is not a number has many forms, and machines choose among them.
    private static int Bits(float value) => float.IsNaN(value) ? -1 : BitConverter.SingleToInt32Bits(value);
}
